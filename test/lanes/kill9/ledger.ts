/** What clients of a server that is killed again and again were told, and what must be there for it. */
export type Place = { readonly partition: number; readonly offset: number }
export type Stored = Place & { readonly value: string }

export type Ledger = {
  /** Acknowledged values and where they are. */
  readonly acknowledged: Map<string, Place>
  /** Sent, and not answered. */
  readonly unknown: Set<string>
}

export const partitions = 2

/** A line for each broken promise in a log that was read from its start to its end. */
export function faultsIn(ledger: Ledger, inFlight: ReadonlySet<string>, stored: readonly Stored[]): string[] {
  const faults: string[] = []
  const places = new Map<string, Place>()
  for (let partition = 0; partition < partitions; partition++) {
    for (const [at, { offset, value }] of stored.filter((one) => one.partition === partition).entries()) {
      if (offset !== at) faults.push(`partition ${partition}: offset ${offset} stands where ${at} should`)
      if (places.has(value)) faults.push(`${value} is there twice`)
      places.set(value, { partition, offset })
    }
  }
  for (const [value, { partition, offset }] of ledger.acknowledged) {
    const place = places.get(value)
    if (place?.partition !== partition || place.offset !== offset) {
      faults.push(`${value} was acknowledged at ${partition}/${offset} and is at ${JSON.stringify(place)}`)
    }
  }
  for (const value of places.keys()) {
    if (!ledger.acknowledged.has(value) && !ledger.unknown.has(value) && !inFlight.has(value)) {
      faults.push(`${value} is there, though nothing of the kind was sent`)
    }
  }
  return faults
}
