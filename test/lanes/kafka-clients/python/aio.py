"""aiokafka, told what to do by its arguments: see ../client.ts."""

import asyncio
import json
import sys
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

broker, command, arguments = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
base = {"bootstrap_servers": broker}


def tell(said):
    print(json.dumps(said), flush=True)


def data(text):
    return None if text is None else text.encode()


def text(data):
    return None if data is None else bytes(data).decode()


async def produce(topic, batches):
    offsets = []
    for batch in batches:
        codec = None if batch["compression"] == "none" else batch["compression"]
        settings = {"compression_type": codec, "enable_idempotence": batch["idempotent"], "linger_ms": 20}
        async with AIOKafkaProducer(**base, **settings, acks="all") as producer:
            sent = [
                await producer.send(
                    topic,
                    partition=record["partition"],
                    key=data(record["key"]),
                    value=data(record["value"]),
                    headers=[(name, value.encode()) for name, value in record["headers"]],
                    timestamp_ms=record["timestamp"],
                )
                for record in batch["records"]
            ]
            offsets.extend([(await one).offset for one in sent])
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


async def consume(topic, start, count):
    at = TopicPartition(topic, 0)
    async with AIOKafkaConsumer(**base, enable_auto_commit=False) as consumer:
        consumer.assign([at])
        if start == "start":
            await consumer.seek_to_beginning(at)
        elif start == "end":
            await consumer.seek_to_end(at)
        else:
            consumer.seek(at, (await consumer.offsets_for_times({at: start}))[at].offset)
        await consumer.position(at)
        tell({"ready": True})
        tell({"records": [told(await consumer.getone()) for _ in range(count)]})


async def member(group, topic, sessionMs, instance, protocol):
    consumer = AIOKafkaConsumer(
        **base,
        group_id=group,
        session_timeout_ms=sessionMs,
        heartbeat_interval_ms=500,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        group_instance_id=instance,
    )
    mine = set()

    class Listener(ConsumerRebalanceListener):
        async def on_partitions_assigned(self, assigned):
            mine.update(at.partition for at in assigned)
            tell({"assigned": sorted(mine)})

        async def on_partitions_revoked(self, revoked):
            mine.difference_update(at.partition for at in revoked)
            tell({"revoked": sorted(at.partition for at in revoked)})

    consumer.subscribe([topic], listener=Listener())
    closed = asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    async with consumer:
        while not closed.done():
            for records in (await consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    await consumer.commit({TopicPartition(topic, record.partition): record.offset + 1})
                    tell({"record": told(record)})


async def admin(topic, group):
    results = {}
    first = TopicPartition(topic, 0)
    async with client_of(AIOKafkaAdminClient(**base)) as client:
        await client.create_topics([NewTopic(topic, 3, 1, topic_configs={"retention.ms": "123456789"})])
        count = lambda: partitions_of(client, topic)
        results["created"] = await count()
        await client.create_partitions({topic: NewPartitions(5)})
        results["grown"] = await wait_until(count, 5)
        results["retention"] = await config_of(client, topic, "retention.ms")
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "54321"})])
        results["altered"] = await config_of(client, topic, "max.message.bytes")

        async with AIOKafkaProducer(**base) as producer:
            for value in "abcd":
                await producer.send_and_wait(topic, value.encode(), partition=0)
        await client.delete_records({first: RecordsToDelete(3)})

        settings = {"group_id": group, "auto_offset_reset": "earliest", "enable_auto_commit": False}
        async with AIOKafkaConsumer(topic, **base, **settings) as consumer:
            start, end = await consumer.beginning_offsets([first]), await consumer.end_offsets([first])
            results["offsets"] = [start[first], end[first]]
            record = await consumer.getone()
            await consumer.commit({first: record.offset + 1})
            [described] = await client.describe_consumer_groups([group])
            _, _, state, _, _, members = described.groups[0][:6]
            results["members"] = [state.upper(), len(members)]
        results["listed"] = group in [name for name, *_ in await client.list_consumer_groups()]
        results["committed"] = (await client.list_consumer_group_offsets(group))[first].offset
        await client.delete_topics([topic])
        results["topicDeleted"] = topic not in await client.list_topics()
    tell({"results": results})


class client_of:
    """The admin client has no `async with` of its own."""

    def __init__(self, client):
        self.client = client

    async def __aenter__(self):
        await self.client.start()
        return self.client

    async def __aexit__(self, *_):
        await self.client.close()


async def partitions_of(client, topic):
    [described] = await client.describe_topics([topic])
    return len(described["partitions"])


async def config_of(client, topic, name):
    [answer] = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: None})])
    _, _, _, _, entries = answer.resources[0][:5]
    return {entry[0]: entry[1] for entry in entries}[name]


async def wait_until(ask, wanted):
    deadline = time.monotonic() + 15
    while (found := await ask()) != wanted and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    return found


async def refused(topic):
    settings = {"max_request_size": 8_000_000, "metadata_max_age_ms": 300, "request_timeout_ms": 8_000}
    async with AIOKafkaProducer(**base, **settings, acks="all") as producer:

        async def send(value):
            try:
                await producer.send_and_wait(topic, value)
                return "none"
            except Exception as error:
                return type(error).__name__

        fits = await send(b"fits")
        too_large = await send(b"x" * 2_000_000)
        async with client_of(AIOKafkaAdminClient(**base)) as client:
            await client.delete_topics([topic])
        gone = await send(b"comes too late")
    assert fits == "none"
    tell({"tooLarge": too_large, "gone": gone})


commands = {"produce": produce, "consume": consume, "member": member, "admin": admin, "refused": refused}
asyncio.run(commands[command](**arguments))
