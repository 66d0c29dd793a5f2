import { filled } from "./fields";

type Typed = Record<string, Record<string, string>>;

/**
 * What is sent to activate a tenant in an environment. What it is activated under already is left out, and stays as it is,
 * unless something was filled in for it: then all of it is replaced.
 */
export function environmentBody(activated: Record<string, boolean>, credentials: Typed, variables: Typed) {
  const connections = Object.entries(activated).flatMap(([key, isActivated]) => {
    const of = { credentials: filled(credentials[key] ?? {}), variables: filled(variables[key] ?? {}) };
    const isEmpty = Object.keys(of.credentials).length + Object.keys(of.variables).length === 0;
    return isActivated && isEmpty ? [] : [[key, of] as const];
  });
  return { connections: Object.fromEntries(connections) };
}
