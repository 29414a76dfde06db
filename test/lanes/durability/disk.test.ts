/**
 * A process is killed at random moments, and with it goes all that it had not synced: bytes and folder entries (a plain kill
 * would leave them to the operating system, which loses nothing). What it acknowledged must be there.
 *
 * The model (`forgetful.c`) is stricter than ext4, xfs or btrfs are: there a synced new file keeps its name. It holds for our
 * files and for LevelDB's alike. LevelDB alone would lose a fresh log file under it until the old one is written out as a
 * table, so `level.ts` syncs its folder; tables are slow to sync here, which makes that moment long enough to be hit.
 * Needs Linux, a C compiler, and a file system that knows birth times.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDisk } from '../../../src/store/embedded/disk.ts'
import { afterCrash, forgetfulLibrary, remember } from './crash.ts'
import { objectOf, padOf } from './writes.ts'

const rounds = 8
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

/** Starts the process that writes to `root`; `dieAt` is the sync it does not live to see. */
function start(root: string, shadow: string, dieAt?: number) {
  return spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'doomed.ts'), join(root, 'data')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      LD_PRELOAD: library,
      FORGETFUL_ROOT: root,
      FORGETFUL_SHADOW: shadow,
      FORGETFUL_SLOW: '.ldb',
      ...(dieAt !== undefined && { FORGETFUL_DIE_AT: String(dieAt) }),
      // Syncs through io_uring would pass the library by.
      UV_USE_IO_URING: '0',
    },
  })
}

/** The newest log file of LevelDB. */
function newestLog(root: string): string {
  const folder = join(root, 'data', 'items')
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'))
  return logs.sort().at(-1) ?? ''
}

function note(line: string, noted: Acknowledged): void {
  const [what, name = '', n] = line.split(' ')
  if (what === 'item') noted.items.set(name, Number(n))
  if (what === 'object') noted.objects.add(name)
}

/**
 * Starts the process, kills it after that many acknowledgements, or, where `inNewLog`, within 30 of the moment when LevelDB
 * begins a new log file. Notes all it said.
 */
async function doom(
  root: string,
  shadow: string,
  acknowledgements: number,
  inNewLog: boolean,
  noted: Acknowledged,
): Promise<void> {
  const doomed = start(root, shadow)
  child = doomed
  let left = acknowledgements
  let log = ''
  for await (const line of createInterface({ input: doomed.stdout })) {
    note(line, noted)
    if (line === 'ready') log = newestLog(root)
    else if (inNewLog && left > 30 && newestLog(root) !== log) left = Math.floor(Math.random() * 30)
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
    const inNewLog = round % 2 === 0
    await doom(root, shadow, inNewLog ? 5_000 : Math.floor(1 + Math.random() ** 2 * 2_000), inNewLog, noted)
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

it('a new folder can be opened, whichever of the first 24 syncs the process died at', async () => {
  for (let sync = 1; sync <= 24; sync++) {
    const [root, shadow, next] = ['root', 'shadow', 'next'].map((name) => join(base, `new-${sync}-${name}`))
    if (!root || !shadow || !next) throw new Error('three names')
    mkdirSync(root)
    remember(root, shadow)
    const doomed = start(root, shadow, sync)
    child = doomed
    const noted: Acknowledged = { items: new Map(), objects: new Set() }
    for await (const line of createInterface({ input: doomed.stdout })) note(line, noted)
    afterCrash(root, shadow, next)
    await judge(join(next, 'data'), noted)
  }
})
