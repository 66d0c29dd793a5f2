/** Search parameters that are texts: those of these names that are there and say something. */
export function texts<N extends string>(...names: N[]) {
  return (search: Record<string, unknown>): { [K in N]?: string } =>
    Object.fromEntries(
      names.flatMap((name) => {
        const value = search[name];
        return value === undefined || value === null || value === "" ? [] : [[name, String(value)]];
      }),
    ) as { [K in N]?: string };
}
