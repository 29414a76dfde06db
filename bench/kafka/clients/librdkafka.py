"""confluent-kafka (librdkafka): `PROGRAM host:port COMMAND JSON`; prints one line of JSON. See ../clients.ts."""

import json
import sys
import time

from confluent_kafka import KafkaException, Producer, libversion
from confluent_kafka.admin import AdminClient, NewTopic

broker, command, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])


def ready():
    """Waits until the server answers as the one it is to become."""
    for _ in range(300):
        try:
            if AdminClient({"bootstrap.servers": broker}).list_topics(timeout=1).brokers:
                return {}
        except KafkaException:
            pass
        time.sleep(0.2)
    raise TimeoutError(broker)


def create():
    admin = AdminClient({"bootstrap.servers": broker})
    topic = NewTopic(options["topic"], options["partitions"], 1)
    for future in admin.create_topics([topic]).values():
        future.result()
    return {}


def delete():
    admin = AdminClient({"bootstrap.servers": broker})
    for future in admin.delete_topics([options["topic"]]).values():
        future.result()
    return {}


def acks():
    """Milliseconds from handing over a record to its acknowledgement, one at a time, with pauses."""
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 0})
    value = b"v" * options["bytes"]
    waits = []

    def send():
        done = []

        def delivered(error, message):
            if error is not None:
                raise KafkaException(error)
            done.append(time.perf_counter())

        begun = time.perf_counter()
        producer.produce(options["topic"], value, partition=0, on_delivery=delivered)
        while not done:
            producer.poll(1)
        return (done[0] - begun) * 1000

    for at in range(options["count"] + options["warmup"]):
        wait = send()
        if at >= options["warmup"]:
            waits.append(wait)
        time.sleep(options["pauseMs"] / 1000)
    return {"ms": waits}


commands = {"version": lambda: {"version": libversion()[0]}, "ready": ready, "create": create, "delete": delete, "acks": acks}
print(json.dumps(commands[command]()))
