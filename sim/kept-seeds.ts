import type { SceneName } from './scenes.ts'

/** Seeds that once found something, run before all others. They show it again only while the workload's draws stay as they were. */
export const keptSeeds: readonly {
  readonly seed: number
  readonly found: string
  readonly scene?: SceneName
}[] = [
  { seed: 7, found: 'a server that slept through an Idempotency-Key’s 15 minutes appended a second time' },
  { seed: 102, found: 'the same sleeping server, woken by the answer of a store instead of by its own pause' },
  {
    seed: 787,
    found: 'a server that fell asleep before it knew the topic counted the 15 minutes from when it woke up',
  },
  {
    seed: 20261315,
    found: 'a commit that slept while its server looked at the group set the offset back behind a newer commit',
  },
  {
    seed: 134,
    scene: 'team',
    found: 'a commit that was taken, and its answer lost, was refused after another owner had committed',
  },
  {
    seed: 85,
    scene: 'team',
    found: 'of two processes that started under one group.instance.id, the beat was the loser’s: the winner was fenced',
  },
  {
    seed: 96,
    scene: 'team',
    found: 'a first beat that came late fenced the process that had taken the static slot over since',
  },
  {
    seed: 7145,
    scene: 'team',
    found:
      'a late copy of an older sync’s beat made a member forget whom it looks after: its neighbour’s death was never found',
  },
  {
    seed: 8071,
    scene: 'team',
    found: 'a static slot taken over just when the round closed had no partitions for a generation',
  },
  {
    seed: 5098,
    scene: 'brokers',
    found:
      'what a failed beat left under way took a lease beside the next one: a broker renewed one node id and led under another, and the view changed for ever',
  },
  {
    seed: 20273563,
    found:
      'a commit whose connection was lost while its look at the group took half a second set the offset back behind the next one',
  },
  {
    seed: 20270041,
    found:
      'the late end of a creation’s job took the job of the topic’s deletion with it: what was left behind stayed for ever',
  },
  {
    seed: 20269677,
    found: 'a pass of compaction met a segment again that had grown meanwhile, and named it twice in one transaction',
  },
  {
    seed: 20279324,
    found:
      'a retention whose own success was answered as a refusal rolled what it had taken off the count, and took it off again',
  },
  {
    seed: 242,
    scene: 'brokers',
    found: 'a broker that had to register anew got the node id of one that had just died, and went on in its epoch',
  },
  { seed: 242, found: 'those 15 minutes were counted by a clock that no store had set right yet' },
]
