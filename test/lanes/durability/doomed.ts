/** Runs until it is killed: updates items and puts objects, and tells each one when it is acknowledged. */
import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openDisk } from '../../../src/store/embedded/disk.ts'
import { add, set } from '../../../src/store/items.ts'
import type { Stores } from '../../../src/store/stores.ts'
import { objectOf, padOf, workers } from './writes.ts'

const tell = (line: string) => writeSync(1, `${line}\n`)

async function updates({ items }: Stores, worker: string): Promise<never> {
  const key = { pk: 'durability', sk: worker }
  let n = Number((await items.get(key))?.n ?? 0)
  for (;;) {
    n++
    await items.update(key, { patches: [add('n', 1), set('pad', padOf(worker, n))] })
    tell(`item ${worker} ${n}`)
  }
}

async function puts({ objects }: Stores): Promise<never> {
  for (;;) {
    const name = randomBytes(8).toString('hex')
    const key = `blobs/${name.slice(0, 2)}/${name}${'x'.repeat(name.charCodeAt(3) % 20)}`
    await objects.put(key, [objectOf(key).subarray(0, 100), objectOf(key).subarray(100)])
    tell(`object ${key}`)
  }
}

const stores = await openDisk(process.argv[2] ?? '')
tell('ready')
await Promise.all([...workers.map((worker) => updates(stores, worker)), puts(stores), puts(stores), puts(stores)])
