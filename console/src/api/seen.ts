import type { Session } from "./session";

/** Whether two sessions are the same person's: the one may go on with what the other was writing. */
export function isSamePerson(one: Session["operator"], other: Session["operator"]): boolean {
  return one !== undefined && other !== undefined && one.name === other.name && one.via === other.via;
}

/** What is known of the session once it has been asked for anew. Who was signed in until now is remembered, for their page. */
export function nextSession(before: Session | undefined, now: Session): Session {
  if (now.signed_in) return now;
  const was = before?.signed_in ? before.operator : before?.was;
  return was ? { ...now, was } : now;
}

/** Whether what was read and typed so far is nobody's business any more: somebody else has signed in. */
export function isForgotten(before: Session | undefined, now: Session): boolean {
  const was = before?.operator ?? before?.was;
  return now.signed_in && was !== undefined && !isSamePerson(was, now.operator);
}
