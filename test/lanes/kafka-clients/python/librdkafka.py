"""confluent-kafka, told what to do by its arguments: see ../client.ts."""

import json
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition, OFFSET_BEGINNING
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

broker, command, arguments = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
base = {"bootstrap.servers": broker}


def tell(said):
    print(json.dumps(said), flush=True)


def raise_on(error):
    if error is not None:
        raise KafkaException(error)


def produce(topic, batches):
    offsets = []

    def delivered(error, message):
        raise_on(error)
        offsets.append(message.offset())

    for batch in batches:
        producer = Producer(
            {**base, "compression.type": batch["compression"], "enable.idempotence": batch["idempotent"]}
        )
        for record in batch["records"]:
            producer.produce(
                topic,
                partition=record["partition"],
                key=record["key"],
                value=record["value"],
                headers=[(name, value.encode()) for name, value in record["headers"]],
                timestamp=record["timestamp"],
                on_delivery=delivered,
            )
        if producer.flush(30) > 0:
            raise TimeoutError("not all were delivered")
    tell({"offsets": offsets})


def told(message):
    text = lambda data: None if data is None else data.decode()
    return {
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": message.timestamp()[1],
        "key": text(message.key()),
        "value": text(message.value()),
        "headers": [[name, value.decode()] for name, value in message.headers() or []],
    }


def consume(topic, start, count):
    consumer = Consumer({**base, "group.id": "none", "enable.auto.commit": False})
    if start == "start":
        offset = OFFSET_BEGINNING
    elif start == "end":
        # Looked up, so that "ready" is true.
        offset = consumer.get_watermark_offsets(TopicPartition(topic, 0))[1]
    else:
        offset = consumer.offsets_for_times([TopicPartition(topic, 0, start)])[0].offset
    consumer.assign([TopicPartition(topic, 0, offset)])
    tell({"ready": True})
    records = []
    while len(records) < count:
        message = consumer.poll(1)
        if message is None:
            continue
        raise_on(message.error())
        records.append(told(message))
    consumer.close()
    tell({"records": records})


def member(group, topic, sessionMs, instance, protocol, commitEvery=1):
    config = {
        **base,
        "group.id": group,
        "session.timeout.ms": sessionMs,
        "heartbeat.interval.ms": 500,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "partition.assignment.strategy": "cooperative-sticky" if protocol == "cooperative" else "range",
    }
    if instance is not None:
        config["group.instance.id"] = instance
    consumer = Consumer(config)
    mine = set()

    def assigned(_, partitions):
        mine.update(at.partition for at in partitions)
        tell({"assigned": sorted(mine)})

    def revoked(_, partitions):
        mine.difference_update(at.partition for at in partitions)
        tell({"revoked": sorted(at.partition for at in partitions)})

    consumer.subscribe([topic], on_assign=assigned, on_revoke=revoked)
    read = 0
    while not stopped():
        message = consumer.poll(0.1)
        if message is None:
            continue
        raise_on(message.error())
        if commitEvery > 1:
            tell({"record": told(message)})
        read += 1
        if read % commitEvery == 0:
            consumer.commit(message, asynchronous=False)
        if commitEvery == 1:
            tell({"record": told(message)})
    consumer.close()


def stopped():
    """Whether our input has been closed."""
    import select

    return bool(select.select([sys.stdin], [], [], 0)[0])


def load(topic, partitions, atOnce):
    producer = Producer({**base, "enable.idempotence": True, "linger.ms": 0, "message.timeout.ms": 60_000})
    waiting = 0

    def delivered(error, message):
        nonlocal waiting
        raise_on(error)
        waiting -= 1
        tell({"acked": {"partition": message.partition(), "value": message.value().decode()}})

    sent = 0
    while not stopped():
        if waiting < atOnce:
            producer.produce(topic, f"{sent}", partition=sent % partitions, on_delivery=delivered)
            sent, waiting = sent + 1, waiting + 1
            producer.poll(0)
        else:
            producer.poll(0.1)
    if producer.flush(60) > 0:
        raise TimeoutError("not all were delivered")


def admin(topic, group):
    client = AdminClient(base)
    only = lambda futures: list(futures.values())[0].result(30)
    results = {}
    only(client.create_topics([NewTopic(topic, 3, 1, config={"retention.ms": "123456789"})]))
    count = lambda: len(client.list_topics(topic, timeout=30).topics[topic].partitions)
    results["created"] = count()
    only(client.create_partitions([NewPartitions(topic, 5)]))
    results["grown"] = wait_until(count, 5)
    resource = ConfigResource(ResourceType.TOPIC, topic)
    results["retention"] = only(client.describe_configs([resource]))["retention.ms"].value
    change = ConfigEntry("max.message.bytes", "54321", incremental_operation=AlterConfigOpType.SET)
    only(client.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[change])]))
    results["altered"] = only(client.describe_configs([resource]))["max.message.bytes"].value

    producer = Producer(base)
    for value in "abcd":
        producer.produce(topic, value, partition=0)
    producer.flush(30)
    only(client.delete_records([TopicPartition(topic, 0, 3)]))
    first = only(client.list_offsets({TopicPartition(topic, 0): OffsetSpec.earliest()})).offset
    last = only(client.list_offsets({TopicPartition(topic, 0): OffsetSpec.latest()})).offset
    results["offsets"] = [first, last]

    consumer = Consumer({**base, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    while not (message := consumer.poll(1)) or message.error():
        pass
    consumer.commit(message, asynchronous=False)
    described = only(client.describe_consumer_groups([group]))
    results["members"] = [described.state.name.upper(), len(described.members)]
    consumer.close()
    results["listed"] = group in [one.group_id for one in client.list_consumer_groups().result(30).valid]
    offsets = only(client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])).topic_partitions
    results["committed"] = [at.offset for at in offsets if at.partition == 0][0]
    only(client.delete_consumer_groups([group]))
    results["groupDeleted"] = group not in [one.group_id for one in client.list_consumer_groups().result(30).valid]
    only(client.delete_topics([topic]))
    results["topicDeleted"] = topic not in client.list_topics(timeout=30).topics
    tell({"results": results})


def wait_until(ask, wanted):
    deadline = time.monotonic() + 15
    while (found := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def refused(topic):
    errors = []
    settings = {"message.max.bytes": 8_000_000, "message.timeout.ms": 20_000, "topic.metadata.propagation.max.ms": 500}
    producer = Producer({**base, **settings, "topic.metadata.refresh.interval.ms": 500})

    def send(value):
        producer.produce(topic, value, on_delivery=lambda error, _: errors.append(error.name() if error else None))
        producer.flush(30)

    send("fits")
    send("x" * 2_000_000)
    # Kept: a client that is collected takes what it was asked with it.
    client = AdminClient(base)
    list(client.delete_topics([topic]).values())[0].result(30)
    send("comes too late")
    assert errors[0] is None
    tell({"tooLarge": errors[1], "gone": errors[2]})


{"produce": produce, "consume": consume, "member": member, "load": load, "admin": admin, "refused": refused}[command](**arguments)
