import type { Access } from '../access.ts'
import type { Instance } from './instance-item.ts'

/**
 * 403 40301 unless the caller may read what the instance was told to: another principal may have told it, or its grants may have
 * changed since. What a pattern matches is chosen by the caller's grants, and is none of this.
 */
export async function requireReadable(access: Access, instance: Instance): Promise<void> {
  const { group, subscription, assigned } = instance
  if (!subscription) await access.requireTopics('read', topicsIn(assigned), group)
  else if ('topics' in subscription) await access.requireTopics('read', subscription.topics, group)
}

/** Whether the caller may read everything that the instance has now. */
export async function isReadable(access: Access, { group, assigned }: Instance): Promise<boolean> {
  return topicsIn(assigned).every(await access.readable(group))
}

const topicsIn = (assigned: Instance['assigned']): string[] => [...new Set(assigned.map(({ topic }) => topic))]
