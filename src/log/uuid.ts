import type { Random } from '../runtime/clock.ts'

/**
 * A random UUID (version 4) in Kafka's 22-character form: URL-safe base64 without padding (org.apache.kafka.common.Uuid, which
 * likewise avoids a leading dash).
 */
export function newUuid(random: Random): string {
  for (;;) {
    const bytes = random.bytes(16)
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
    const text = Buffer.from(bytes).toString('base64url')
    if (!text.startsWith('-')) return text
  }
}
