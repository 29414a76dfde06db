/**
 * Where request lines go. In Lambda: to standard output, which CloudWatch Logs keeps, and with metrics in them. Elsewhere:
 * nowhere, until somebody asks (`millrace start --verbose`).
 */
export type Output = {
  /** Takes one line without its line end. */
  readonly write: (line: string) => void
  /**
   * Set: lines also carry CloudWatch's embedded metric format, under this function's name
   * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
   */
  readonly metricsOf?: string
}

let chosen: Output | 'off' | undefined

/** Sends the lines of every later request of this process to `output`. */
export function logTo(output: Output | 'off'): void {
  chosen = output
}

/** The output in force, `undefined` where lines are off. */
export function currentOutput(): Output | undefined {
  chosen ??= lambdaOutput() ?? 'off'
  return chosen === 'off' ? undefined : chosen
}

function lambdaOutput(): Output | undefined {
  const metricsOf = process.env.AWS_LAMBDA_FUNCTION_NAME
  // Not console.log: its prefix (time, request id, level) would hide the JSON from the metrics.
  return metricsOf ? { write: (line) => process.stdout.write(`${line}\n`), metricsOf } : undefined
}
