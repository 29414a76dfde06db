/** Calls `work` for each input, at most `width` at a time; results stand in the order of the inputs. The first error wins. */
export async function inParallel<I, O>(
  width: number,
  inputs: readonly I[],
  work: (input: I, at: number) => Promise<O>,
): Promise<O[]> {
  const results: O[] = new Array(inputs.length)
  const waiting = inputs.entries()
  const lane = async () => {
    for (const [at, input] of waiting) results[at] = await work(input, at)
  }
  await Promise.all(Array.from({ length: Math.min(width, inputs.length) }, lane))
  return results
}
