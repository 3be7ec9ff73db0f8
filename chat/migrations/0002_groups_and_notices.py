from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

GROUPS = {
    "Técnicos": {
        "tickets": ["view_ticket", "change_ticket", "view_contact"],
        "chat": ["view_message", "view_predefinedmessage"],
        "whatsapp": ["view_connection"],
    },
    "Supervisores": {
        "tickets": ["view_ticket", "change_ticket", "view_contact", "change_contact"],
        "chat": [
            "view_message",
            "view_predefinedmessage",
            "add_predefinedmessage",
            "change_predefinedmessage",
            "delete_predefinedmessage",
        ],
        "whatsapp": ["view_connection", "view_webhookevent", "change_webhookevent"],
        "auth": ["view_user", "add_user", "change_user", "view_group"],
    },
}

NOTICES = [
    ("Equipo listo", "Hola {nombre}, tu equipo ya está listo (ticket #{numero}). Puedes pasar por él cuando gustes."),
    ("Esperamos un repuesto", "Hola {nombre}, seguimos con tu ticket #{numero}: esperamos un repuesto. Te avisamos."),
    ("Técnico en camino", "Hola {nombre}, soy {tecnico} y voy en camino para revisar tu equipo (ticket #{numero})."),
    (
        "Ticket resuelto",
        "Hola {nombre}, tu ticket #{numero} está {estado}. Si la falla vuelve, responde a este mensaje.",
    ),
]


def make_groups_and_notices(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The two groups with their rights, and a first set of notices, which supervisors may change or delete."""
    group_model = apps.get_model("auth", "Group")
    content_type_model = apps.get_model("contenttypes", "ContentType")
    permission_model = apps.get_model("auth", "Permission")
    for name, rights in GROUPS.items():
        group, _ = group_model.objects.get_or_create(name=name)
        for label, codenames in rights.items():
            for codename in codenames:
                # Django makes permissions only after all migrations have run, and keeps those it finds.
                action, _, model = codename.partition("_")
                kind, _ = content_type_model.objects.get_or_create(app_label=label, model=model)
                permission, _ = permission_model.objects.get_or_create(
                    content_type=kind, codename=codename, defaults={"name": f"Can {action} {model}"}
                )
                group.permissions.add(permission)
    for position, (title, text) in enumerate(NOTICES):
        apps.get_model("chat", "PredefinedMessage").objects.get_or_create(
            title=title, defaults={"text": text, "position": position}
        )


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0001_initial"),
        ("tickets", "0001_initial"),
        ("whatsapp", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups_and_notices, migrations.RunPython.noop)]
