from django.db import migrations, models


class Migration(migrations.Migration):
    """Blocks directly below a subscription know their attribute, so that two of one type are kept apart."""

    dependencies = [("subscriptions", "0001_initial")]

    operations = [
        migrations.AddField(
            "subscriptioninstance",
            "root_attr",
            models.CharField(max_length=255, null=True, blank=True, editable=False),
        ),
        migrations.AddField(
            "subscriptioninstance", "root_order", models.PositiveIntegerField(default=0, editable=False)
        ),
    ]
