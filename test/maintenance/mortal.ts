import type { Core } from '../../src/runtime/core.ts'

/** A server whose store calls take effect so often; the last one's answer, and all that follow, never come. */
export function mortal(core: Core, dieAt: number): Core {
  let calls = 0
  const dying = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (calls > dieAt) throw new Error('dead')
      const answer = await call(...args)
      if (calls++ >= dieAt) throw new Error('dies here')
      return answer
    }
  }
  const { items, objects } = core
  return {
    ...core,
    items: {
      ...items,
      get: dying(items.get),
      batchGet: dying(items.batchGet),
      query: dying(items.query),
      update: dying(items.update),
      delete: dying(items.delete),
      transact: dying(items.transact),
    },
    objects: { ...objects, get: dying(objects.get), put: dying(objects.put), delete: dying(objects.delete) },
  }
}
