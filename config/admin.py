"""The supervisors' admin: Django's own, with our name and Spanish labels."""

from django.contrib import admin


class DeskAdminSite(admin.AdminSite):
    site_title = "Chat en Vivo"
    site_header = "Chat en Vivo · Administración"
    index_title = "Supervisión de la mesa de ayuda"
    site_url = "/"
