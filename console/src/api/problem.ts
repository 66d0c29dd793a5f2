import type { Fault, Problem } from "./schema";

/** What the API answered instead of what was asked for. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly retryAfterS: number | undefined;
  readonly faults: Fault[];
  /** The whole answer: previews and uses of a refusal stand in it. */
  readonly body: Partial<Problem> & Record<string, unknown>;

  constructor(status: number, body: Partial<Problem> & Record<string, unknown>) {
    super(body.detail ?? (status === 0 ? "attache does not answer." : `attache answered ${status}.`));
    this.name = "ApiError";
    this.status = status;
    this.code = body.code ?? (status === 0 ? "unreachable" : "unknown");
    this.requestId = body.request_id;
    this.retryAfterS = typeof body.retry_after === "number" ? body.retry_after : undefined;
    this.faults = Array.isArray(body.errors) ? (body.errors as Fault[]) : [];
    this.body = body;
  }

  /** What is wrong at a place of the body that was sent, given as a JSON pointer (RFC 6901). */
  at(pointer: string): string | undefined {
    const fault = this.faults.find((it) => it.pointer === pointer);
    return fault && sentence(fault);
  }
}

/** One fault as people read it: the problem, then what to do instead. */
export function sentence(fault: Fault): string {
  return fault.hint ? `${fault.problem}: ${fault.hint}` : fault.problem;
}

export function isApiError(error: unknown): error is ApiError {
  return error instanceof ApiError;
}
