"""Who hears of a task that failed for the last time."""

from airflow.providers.smtp.notifications.smtp import SmtpNotifier

SQUAD = "<< cookiecutter.squad_name >>"

# Goes out through Airflow's connection `smtp_default`.
MAIL = SmtpNotifier(
    to=[
        "<< cookiecutter.contact_email >>",
    ],
    subject="{{ ti.dag_id }}.{{ ti.task_id }} failed",
    html_content="{{ exception | e }}<br><a href='{{ ti.log_url }}'>Log of {{ ti.run_id }}</a>",
)
