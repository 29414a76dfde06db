/** How v3 describes one config of a topic or of the broker. */
export type Described = {
  readonly name: string
  readonly value: string
  readonly defaultValue: string
  readonly isDefault: boolean
}

type Place = {
  readonly kind: string
  readonly self: string
  readonly resourceName: string
  /** What the config belongs to: `topic_name`, `config_type`. */
  readonly owner: Readonly<Record<string, string>>
  readonly clusterId: string
  readonly readOnly: boolean
  /** Kafka's name for where a value that is no default comes from. */
  readonly source: 'DYNAMIC_TOPIC_CONFIG' | 'STATIC_BROKER_CONFIG'
}

export function configResource(config: Described, place: Place) {
  const { name, value, defaultValue, isDefault } = config
  const fallback = { name, value: defaultValue, source: 'DEFAULT_CONFIG' }
  return {
    kind: place.kind,
    metadata: { self: place.self, resource_name: place.resourceName },
    cluster_id: place.clusterId,
    ...place.owner,
    name,
    value,
    is_default: isDefault,
    is_read_only: place.readOnly,
    is_sensitive: false,
    source: isDefault ? 'DEFAULT_CONFIG' : place.source,
    synonyms: isDefault ? [fallback] : [{ name, value, source: place.source }, fallback],
  }
}
