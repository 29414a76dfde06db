/**
 * A process is killed at random moments, and with it goes all that it had not synced: bytes and folder entries (a plain kill
 * would leave them to the operating system, which loses nothing). What it acknowledged must be there.
 *
 * The model (`forgetful.c`) is stricter than ext4, xfs or btrfs are: there a synced new file keeps its name. It holds for our
 * files and for LevelDB's alike; LevelDB alone would lose a fresh log file under it, so `level.ts` syncs its folder.
 * Needs Linux, a C compiler, and a file system that knows birth times.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDisk } from '../../../src/store/embedded/disk.ts'
import { afterCrash, forgetfulLibrary, remember } from './crash.ts'
import { objectOf, padOf } from './writes.ts'

const rounds = 12
const base = mkdtempSync(join(tmpdir(), 'millrace-durability-'))
let library = ''
let child: ChildProcess | undefined

/** All that was ever acknowledged. */
type Acknowledged = { readonly items: Map<string, number>; readonly objects: Set<string> }

beforeAll(() => {
  library = forgetfulLibrary()
})
afterAll(() => {
  child?.kill('SIGKILL')
  rmSync(base, { recursive: true, force: true })
})

/** Starts the process, kills it after `acknowledgements` more of them, and notes all it said. */
async function doom(root: string, shadow: string, acknowledgements: number, noted: Acknowledged): Promise<void> {
  const doomed = spawn(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, 'doomed.ts'), join(root, 'data')],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        LD_PRELOAD: library,
        FORGETFUL_ROOT: root,
        FORGETFUL_SHADOW: shadow,
        UV_USE_IO_URING: '0',
      },
    },
  )
  child = doomed
  let left = acknowledgements
  for await (const line of createInterface({ input: doomed.stdout })) {
    const [what, name = '', n] = line.split(' ')
    if (what === 'item') noted.items.set(name, Number(n))
    if (what === 'object') noted.objects.add(name)
    if (left-- === 0) doomed.kill('SIGKILL')
  }
  expect(left, 'the process ended by itself').toBeLessThan(0)
}

async function judge(folder: string, { items, objects }: Acknowledged): Promise<void> {
  const stores = await openDisk(folder)
  try {
    for (const { sk, item } of await stores.items.query({ pk: 'durability', limit: 100 })) {
      const n = Number(item.n)
      expect(n, `updates of ${sk}`).toBeGreaterThanOrEqual(items.get(sk) ?? 0)
      const pad = item.pad instanceof Uint8Array ? item.pad : new Uint8Array()
      expect(Buffer.from(padOf(sk, n)).equals(pad), `item ${sk} is that of update ${n}`).toBe(true)
      items.set(sk, n)
    }
    const found = new Set((await stores.items.query({ pk: 'durability', limit: 100 })).map(({ sk }) => sk))
    expect(
      [...items.keys()].filter((sk) => !found.has(sk)),
      'acknowledged items that are missing',
    ).toEqual([])
    const listed = await stores.objects.list('blobs/', { limit: 1_000_000 })
    for (const { key } of listed) {
      const bytes = (await stores.objects.get(key)) ?? new Uint8Array()
      expect(Buffer.from(objectOf(key)).equals(bytes), `${key} is whole`).toBe(true)
    }
    const there = new Set(listed.map(({ key }) => key))
    expect(
      [...objects].filter((key) => !there.has(key)),
      'acknowledged objects that are missing',
    ).toEqual([])
  } finally {
    await stores.close()
  }
}

it(`everything acknowledged outlives ${rounds} crashes that forget what was not synced`, async () => {
  const noted: Acknowledged = { items: new Map(), objects: new Set() }
  let root = join(base, 'root-0')
  mkdirSync(root)
  for (let round = 1; round <= rounds; round++) {
    const shadow = join(base, `shadow-${round}`)
    remember(root, shadow)
    await doom(root, shadow, Math.floor(1 + Math.random() ** 2 * 3_000), noted)
    const next = join(base, `root-${round}`)
    afterCrash(root, shadow, next)
    await judge(join(next, 'data'), noted)
    rmSync(root, { recursive: true })
    rmSync(shadow, { recursive: true })
    root = next
  }
  const updates = [...noted.items.values()].reduce((all, n) => all + n, 0)
  console.log(`${updates} updates and ${noted.objects.size} objects acknowledged over ${rounds} crashes, none lost`)
})
