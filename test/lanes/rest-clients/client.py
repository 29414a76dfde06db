"""Drives kafka-bridge-client as it is published: one JSON command a line comes in, one JSON answer a line goes out."""

import asyncio
import json
import sys

from kafka_bridge_client import KafkaBridgeConsumer, KafkaBridgeProducer

url, mode = sys.argv[1:]
producer = KafkaBridgeProducer(url, timeout=30)
consumer = None
MAX_BYTES = 100_000


async def create(group, name, topics, auto_commit, reset):
    global consumer
    consumer = KafkaBridgeConsumer(
        *topics,
        bootstrap_server=url,
        group_id=group,
        consumer_name=name,
        auto_offset_reset=reset,
        enable_auto_commit=auto_commit,
        sleep_interval_seconds=0,
        client_timeout_seconds=60,
        proxy=mode,
    )
    await consumer.__aenter__()


async def poll(timeout):
    return await consumer.poll_records(max_bytes=MAX_BYTES, timeout=timeout)


async def get(count):
    """So many records of the client's endless stream."""
    records = []
    async for record in consumer.get_records(max_bytes=MAX_BYTES, timeout=1000):
        records.append(record)
        if len(records) == count:
            return records


async def commit():
    await consumer.commit()


async def delete():
    await consumer.__aexit__()


async def send(topic, values, binary):
    records = [{'key': key, 'value': value.encode() if binary else value} for key, value in values]
    return await asyncio.to_thread(producer.sends, topic, records, binary)


COMMANDS = {command.__name__: command for command in (create, poll, get, commit, delete, send)}


async def main():
    while line := await asyncio.to_thread(sys.stdin.readline):
        name, arguments = json.loads(line)
        try:
            answer = {'answer': await COMMANDS[name](**arguments)}
        except Exception as error:
            answer = {'error': f'{type(error).__name__}: {error}'}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
