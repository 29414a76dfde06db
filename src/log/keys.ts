/**
 * The whole keyspace, in one place. Everything Millrace stores is a row of this table; nothing else builds a key.
 *
 *   items              pk                           sk                     holds
 *   ─────────────────  ───────────────────────────  ─────────────────────  ─────────────────────────────────────────────
 *   cluster            cluster                      cluster                the cluster id, made once
 *   producer ids       producers                    ids                    how many producer ids are taken (producer-ids.ts)
 *   topic              topics                       <name>                 id, partition count, configs (topics.ts)
 *   job                jobs                         <job id>               what a crash may leave half done (topics.ts)
 *   head               h/<topic id>/<partition>     head                   a partition's end and newest refs (head.ts)
 *   index entry        i/<topic id>/<partition>     <base offset>c         a chunk of refs that left the head (chunk.ts)
 *                                                   <base offset>s         a rolled segment (segment.ts)
 *   spilled producer   s/<topic id>/<partition>     <producer id>          where a producer stands that has left the head (spilled-producers.ts)
 *   blob               b/<hour>/<shard>             <blob id>              the bytes of one small produce request (blob.ts)
 *   once               once/<digest>                once                   an Idempotency-Key and its answer (append-once.ts)
 *   consumer instance  consumer/<group>             <instance>             a REST consumer's state (http/consumers)
 *   offsets            offsets/<group>              <topic id>/<partition> a committed offset (groups/offsets.ts)
 *   group              group/<group>                group                  state and generation of a consumer group (groups/group.ts)
 *   member             group/<group>                m/<slot>               a member and its subscription (groups/member.ts)
 *   beat               group/<group>                b/<slot>               a member's last heartbeat (groups/beat.ts)
 *   roster             group/<group>                r/<generation>/<roster id>/<piece>  who is in a generation (groups/roster.ts)
 *   plan               group/<group>                p/<generation>/<plan id>/<piece>  a generation's assignments (groups/plan.ts)
 *   group's name       groups/<1 hex>               <group>                that there is such a group (groups/names.ts)
 *   grants             grants/<principal>           grants                 what an IAM principal may touch (http/access.ts)
 *   maintenance        maintenance                  <task>                 how far a task of the schedule has come (maintenance/cursor.ts)
 *   upkeep             upkeep/<topic id>            <partition>            where the schedule goes on in a partition (maintenance/upkeep.ts)
 *   compaction         compaction/<topic id>        <partition>            how far a partition has been compacted (maintenance/compaction-state.ts)
 *   sweep              maintenance                  sweep                  how far orphaned blobs have been swept (maintenance/sweep.ts)
 *   lease              leases                       <resource>             who may think that it is alone at something (cluster/lease.ts):
 *                                                                          broker/<node id>, controller, p/<topic id>/<partition>
 *   view               cluster                      view                   the brokers that share the partitions (cluster/view.ts)
 *
 *   objects            blobs/<2 hex>/<blob id>                             the bytes of one large produce request (blob.ts)
 *                      segments/<2 hex>/<topic id>/<partition>/<base offset>-<blob id>  a rolled segment's batches (segment-object.ts)
 *                      clusters/<cluster id>                              that this cluster's table names what is in the bucket (maintenance/bucket-mark.ts)
 *
 * A topic id is Kafka's Uuid in its 22-character form, made anew for each creation: a re-created topic never meets old data.
 * Offsets are 16 decimal digits, so that text order is number order up to 2^53. The index has a partition key of its own, so
 * that it does not eat the head's write budget (1,000 units a second on one key). A blob's key follows from its id alone: the
 * hour it was made and a shard of its random part, so that a sweep can list old blobs without a scan.
 */
import { murmur2 } from '../protocol/murmur2.ts'
import type { Key } from '../store/items.ts'
import { type BlobId, blobIdMs, blobIdShard, blobIdText } from './blob-id.ts'

export type PartitionId = { readonly topicId: string; readonly partition: number }

const hourMs = 3_600_000

export const clusterKey: Key = { pk: 'cluster', sk: 'cluster' }
export const producerIdsKey: Key = { pk: 'producers', sk: 'ids' }
export const topicsPk = 'topics'
export const topicKey = (name: string): Key => ({ pk: topicsPk, sk: name })
export const jobsPk = 'jobs'
export const jobKey = (jobId: string): Key => ({ pk: jobsPk, sk: jobId })
export const addPartitionsJobKey = (topicId: string, partitions: number): Key => jobKey(`${topicId}+${partitions}`)

/** `<topic id>/<partition>`: how a partition is named inside keys and blobs, and in this process's memory. */
export const partitionText = ({ topicId, partition }: PartitionId): string => `${topicId}/${partition}`
export const headKey = (id: PartitionId): Key => ({ pk: `h/${partitionText(id)}`, sk: 'head' })

export const indexPk = (id: PartitionId): string => `i/${partitionText(id)}`
const offsetText = (offset: number): string => String(offset).padStart(16, '0')
/** Sorts before every index entry at `offset`. */
export const indexFrom = (offset: number): string => offsetText(offset)
/** Sorts after every index entry at `offset`. */
export const indexUpTo = (offset: number): string => `${offsetText(offset)}~`
export const chunkKey = (id: PartitionId, baseOffset: number): Key => ({
  pk: indexPk(id),
  sk: `${offsetText(baseOffset)}c`,
})
/** Sorts after the chunk at the same base: read backwards, the segment comes first. */
export const segmentKey = (id: PartitionId, baseOffset: number): Key => ({
  pk: indexPk(id),
  sk: `${offsetText(baseOffset)}s`,
})
export const isSegmentSk = (sk: string): boolean => sk.endsWith('s')

export const spilledProducersPk = (id: PartitionId): string => `s/${partitionText(id)}`
export const spilledProducerKey = (id: PartitionId, producer: string): Key => ({
  pk: spilledProducersPk(id),
  sk: producer,
})

/** Blob items are kept by the hour of their birth, whole hours since 1970, in so many shards of it. */
export const blobHourMs = hourMs
export const blobItemShards = 64
export const blobItemsPk = (hour: number, shard: number): string => `b/${hour}/${hex(shard)}`
export const blobItemKey = (id: BlobId): Key => ({
  pk: blobItemsPk(Math.floor(blobIdMs(id) / hourMs), blobIdShard(id) % blobItemShards),
  sk: blobIdText(id),
})
export const blobObjectPrefixes = 256
export const blobObjectsPrefix = (prefix: number): string => `blobs/${hex(prefix)}/`
export const blobObjectKey = (id: BlobId): string => `${blobObjectsPrefix(blobIdShard(id))}${blobIdText(id)}`
/** Of a key in a prefix of ours: the name behind it. */
export const lastPart = (key: string): string => key.slice(key.lastIndexOf('/') + 1)
/** All segments of a partition, in the order of their bases: one prefix, so that whoever looks for orphans lists it alone. */
export const segmentObjectsPrefix = (id: PartitionId): string =>
  `segments/${hex(murmur2(new TextEncoder().encode(partitionText(id))) & 0xff)}/${partitionText(id)}/`
export const segmentObjectKey = (id: PartitionId, baseOffset: number, object: BlobId): string =>
  `${segmentObjectsPrefix(id)}${offsetText(baseOffset)}-${blobIdText(object)}`

export const clustersPrefix = 'clusters/'
export const clusterMarkKey = (clusterId: string): string => `${clustersPrefix}${clusterId}`

export const onceKey = (digest: string): Key => ({ pk: `once/${digest}`, sk: 'once' })

export const consumersPk = (group: string): string => `consumer/${group}`
export const consumerKey = (group: string, instance: string): Key => ({ pk: consumersPk(group), sk: instance })
export const offsetsPk = (group: string): string => `offsets/${group}`
export const offsetKey = (group: string, topicId: string, partition: number): Key => ({
  pk: offsetsPk(group),
  sk: partitionText({ topicId, partition }),
})

export const groupPk = (group: string): string => `group/${group}`
export const groupKey = (group: string): Key => ({ pk: groupPk(group), sk: 'group' })
/** A slot is a member's id or, of a static member, `i:` and its `group.instance.id`. */
export const memberKey = (group: string, slot: string): Key => ({ pk: groupPk(group), sk: `m/${slot}` })
export const beatKey = (group: string, slot: string): Key => ({ pk: groupPk(group), sk: `b/${slot}` })
const generationText = (generation: number): string => String(generation).padStart(10, '0')
export const rosterKey = (group: string, generation: number, rosterId: string, piece: number): Key => ({
  pk: groupPk(group),
  sk: `r/${generationText(generation)}/${rosterId}/${piece}`,
})
export const planKey = (group: string, generation: number, planId: string, piece: number): Key => ({
  pk: groupPk(group),
  sk: `p/${generationText(generation)}/${planId}/${piece}`,
})
/** `0` is what follows `/`: each range holds all sort keys that begin with its letter. */
export const membersRange = { from: 'm/', to: 'm0' }
export const beatsRange = { from: 'b/', to: 'b0' }
/** Rosters and plans of all generations below one. */
export const rostersBefore = (generation: number) => ({ from: 'r/', to: `r/${generationText(generation)}` })
export const plansBefore = (generation: number) => ({ from: 'p/', to: `p/${generationText(generation)}` })
export const groupNameShards = 16
export const groupNamesPk = (shard: number): string => `groups/${shard.toString(16)}`

export const upkeepPk = (topicId: string): string => `upkeep/${topicId}`
export const upkeepKey = (id: PartitionId): Key => ({ pk: upkeepPk(id.topicId), sk: String(id.partition) })

export const compactionKey = (id: PartitionId): Key => ({
  pk: `compaction/${id.topicId}`,
  sk: String(id.partition),
})

export const maintenanceKey = (task: string): Key => ({ pk: 'maintenance', sk: task })

export const leasesPk = 'leases'
export const leaseKey = (resource: string): Key => ({ pk: leasesPk, sk: resource })
export const clusterViewKey: Key = { pk: 'cluster', sk: 'view' }

export const grantsKey = (principal: string): Key => ({ pk: `grants/${principal}`, sk: 'grants' })

const hex = (byte: number): string => byte.toString(16).padStart(2, '0')
