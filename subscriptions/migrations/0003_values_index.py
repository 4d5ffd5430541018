from django.db import migrations


def create_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE INDEX IF NOT EXISTS subscription_instance_values ON subscriptions_subscriptioninstance "
            'USING gin ("values" jsonb_path_ops)'
        )


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS subscription_instance_values")


class Migration(migrations.Migration):
    """Values are asked for by containment, which only this index serves on PostgreSQL; SQLite has no such thing."""

    dependencies = [("subscriptions", "0002_root_attribute")]

    operations = [migrations.RunPython(create_index, drop_index, elidable=False)]
