/** What the programs of Node have in common: see ../client.ts. */
export const [broker, command, options] = [process.argv[2], process.argv[3], JSON.parse(process.argv[4] ?? '{}')]

export const tell = (said) => void process.stdout.write(`${JSON.stringify(said)}\n`)

export const inputClosed = new Promise((resolve) => process.stdin.on('end', resolve).resume())

export const text = (data) => (data === null || data === undefined ? null : Buffer.from(data).toString())

/** Asks until it gets what it wants, for some seconds; the last answer. */
export async function untilIs(ask, wanted) {
  const deadline = Date.now() + 15_000
  for (;;) {
    const found = await ask()
    if (found === wanted || Date.now() > deadline) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

export async function run(commands) {
  try {
    await commands[command](options)
    process.exit(0)
  } catch (error) {
    console.error(error)
    process.exit(1)
  }
}
