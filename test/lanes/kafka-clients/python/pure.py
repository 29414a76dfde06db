"""kafka-python, told what to do by its arguments: see ../client.ts."""

import json
import select
import sys
import time

from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.structs import OffsetAndMetadata

broker, command, arguments = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
base = {"bootstrap_servers": broker}


def tell(said):
    print(json.dumps(said), flush=True)


def data(text):
    return None if text is None else text.encode()


def text(data):
    return None if data is None else bytes(data).decode()


def produce(topic, batches):
    offsets = []
    for batch in batches:
        codec = None if batch["compression"] == "none" else batch["compression"]
        producer = KafkaProducer(
            **base, acks="all", compression_type=codec, enable_idempotence=batch["idempotent"], linger_ms=20
        )
        sent = [
            producer.send(
                topic,
                partition=record["partition"],
                key=data(record["key"]),
                value=data(record["value"]),
                headers=[(name, value.encode()) for name, value in record["headers"]],
                timestamp_ms=record["timestamp"],
            )
            for record in batch["records"]
        ]
        producer.flush(30)
        offsets.extend(one.get(30).offset for one in sent)
        producer.close()
    tell({"offsets": offsets})


def told(record):
    return {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": text(record.key),
        "value": text(record.value),
        "headers": [[name, text(value)] for name, value in record.headers],
    }


def polled(consumer, milliseconds):
    return [record for records in consumer.poll(milliseconds).values() for record in records]


def consume(topic, start, count):
    consumer = KafkaConsumer(**base, group_id=None, enable_auto_commit=False)
    at = TopicPartition(topic, 0)
    consumer.assign([at])
    if start == "start":
        consumer.seek_to_beginning(at)
    elif start == "end":
        consumer.seek_to_end(at)
    else:
        consumer.seek(at, consumer.offsets_for_times({at: start})[at].offset)
    consumer.position(at)
    tell({"ready": True})
    records = []
    while len(records) < count:
        records.extend(map(told, polled(consumer, 1_000)))
    consumer.close()
    tell({"records": records})


def member(group, topic, sessionMs, instance, protocol):
    consumer = KafkaConsumer(
        **base,
        group_id=group,
        session_timeout_ms=sessionMs,
        heartbeat_interval_ms=500,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **({} if instance is None else {"group_instance_id": instance}),
    )
    mine = set()

    class Listener(ConsumerRebalanceListener):
        def on_partitions_assigned(self, assigned):
            mine.update(at.partition for at in assigned)
            tell({"assigned": sorted(mine)})

        def on_partitions_revoked(self, revoked):
            mine.difference_update(at.partition for at in revoked)
            tell({"revoked": sorted(at.partition for at in revoked)})

    consumer.subscribe([topic], listener=Listener())
    while not select.select([sys.stdin], [], [], 0)[0]:
        for record in polled(consumer, 100):
            at = TopicPartition(topic, record.partition)
            consumer.commit({at: OffsetAndMetadata(record.offset + 1, "", -1)})
            tell({"record": told(record)})
    consumer.close()


def refused(topic):
    producer = KafkaProducer(
        **base, acks="all", max_request_size=8_000_000, metadata_max_age_ms=300, max_block_ms=10_000,
        request_timeout_ms=8_000, delivery_timeout_ms=10_000, linger_ms=0, enable_idempotence=False,
    )

    def send(value):
        try:
            producer.send(topic, value).get(20)
            return "none"
        except Exception as error:
            return type(error).__name__

    fits = send(b"fits")
    too_large = send(b"x" * 2_000_000)
    client = KafkaAdminClient(**base)
    client.delete_topics([topic])
    client.close()
    gone = send(b"comes too late")
    assert fits == "none"
    producer.close(5)
    tell({"tooLarge": too_large, "gone": gone})


{"produce": produce, "consume": consume, "member": member, "refused": refused}[command](**arguments)
