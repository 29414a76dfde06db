/** A produce request that is larger than a call may be goes in several: each brings some of its partitions. */
import type { RequestOf, ResponseOf } from '../protocol/apis.ts'

type Request = RequestOf<'produce'>
type Partition = Request['topicData'][number]['partitionData'][number]
type Answer = ResponseOf<'produce'>

/**
 * Requests that bring the same between them, in the same order, each in a frame of at most `bytesMax`; a partition that brings more
 * by itself stays whole. `frameBytes`: of the request's own frame.
 */
export function portionsOf(request: Request, frameBytes: number, bytesMax: number): readonly Request[] {
  if (frameBytes <= bytesMax) return [request]
  const partitions = request.topicData.flatMap(({ partitionData }) => partitionData)
  const aroundBytes = partitions.reduce((rest, one) => rest - bytesOf(one), frameBytes)
  const portions: Set<Partition>[] = []
  let left = 0
  for (const one of partitions) {
    left -= bytesOf(one)
    if (left < 0 || portions.length === 0) {
      portions.push(new Set())
      left = bytesMax - aroundBytes - bytesOf(one)
    }
    portions.at(-1)?.add(one)
  }
  return portions.map((portion) => ({
    ...request,
    topicData: request.topicData.flatMap((topic) => {
      const partitionData = topic.partitionData.filter((one) => portion.has(one))
      return partitionData.length > 0 ? [{ ...topic, partitionData }] : []
    }),
  }))
}

const bytesOf = ({ records }: Partition): number => records?.length ?? 0

/** One answer, shaped as the request, of the answers to its portions. */
export function joined({ topicData }: Request, answers: readonly Answer[]): Answer {
  const partitions = answers.flatMap(({ responses }) => responses.flatMap((topic) => topic.partitionResponses))
  let at = 0
  return {
    responses: topicData.map(({ name, topicId, partitionData }) => {
      const from = at
      at += partitionData.length
      return { name, topicId, partitionResponses: partitions.slice(from, at) }
    }),
  }
}
