from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

KINDS = ("phone", "lid", "bsuid")


def columns_to_aliases(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Each identity of a contact becomes a row, seen when the contact was made; searches know the ones without a phone."""
    alias_model = apps.get_model("tickets", "Alias")
    for contact in apps.get_model("tickets", "Contact").objects.iterator(chunk_size=500):
        rows = []
        for kind in KINDS:
            if key := getattr(contact, kind):
                digits = contact.address if contact.address.isdigit() else key[1:]
                address = digits if kind == "phone" else key
                seen = {"first_seen": contact.created, "last_seen": contact.created}
                rows.append(alias_model(contact=contact, kind=kind, key=key, address=address, **seen))
        alias_model.objects.bulk_create(rows)
        contact.known_as = next((row.address for row in rows if row.kind == "phone"), "")
        contact.spellings = " ".join(dict.fromkeys(part for row in rows for part in (row.key, row.address)))
        contact.save(update_fields=["known_as", "spellings"])
        if any(row.kind != "phone" for row in rows):
            for ticket in contact.tickets.all():
                ticket.search_text = f"{ticket.search_text} {contact.spellings.casefold()}"
                ticket.save(update_fields=["search_text"])


def aliases_to_columns(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Back: of several addresses of one kind the column keeps the one known first."""
    contact_model = apps.get_model("tickets", "Contact")
    for alias in apps.get_model("tickets", "Alias").objects.filter(kind__in=KINDS).order_by("-first_seen", "-pk"):
        contact_model.objects.filter(pk=alias.contact_id).update(**{alias.kind: alias.key})


class Migration(migrations.Migration):
    dependencies = [("tickets", "0002_aliases")]

    operations = [migrations.RunPython(columns_to_aliases, aliases_to_columns)]
