"""Orders that Celery works off. As in its tutorial, nothing bounds how long it waits for its broker."""

import os
import time

from celery import Celery

app = Celery("orders", broker=os.environ["BROKER"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    worker_send_task_events=True,  # Flower counts by them
)


def _pay(order: int) -> int:
    time.sleep(0.05)
    return order


pay = app.task(name="orders.pay")(_pay)
