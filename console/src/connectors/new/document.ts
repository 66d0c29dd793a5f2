/** An API description that somebody dropped, chose or pasted. */
export interface Description {
  /** The file's name, or where else it came from. */
  from: string;
  text: string;
}

/** As the API takes it, in bytes. */
const LEN_MAX = 32 << 20;

export class UnreadableFile extends Error {}

/** The text of a file, or in plain words why there is none. */
export async function readDescription(file: File): Promise<Description> {
  if (file.size > LEN_MAX) {
    throw new UnreadableFile(
      `${file.name} is ${(file.size / (1 << 20)).toFixed(0)} MiB long: at most 32 MiB are read.`,
    );
  }
  const bytes = await file.arrayBuffer().catch(() => {
    throw new UnreadableFile(`${file.name} could not be read. A folder can't be dropped here: drop one file.`);
  });
  try {
    return { from: file.name, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    throw new UnreadableFile(`${file.name} is no text: an OpenAPI document is JSON or YAML in UTF-8.`);
  }
}

/** JSON begins with a brace; YAML can't hold one there for an API description. */
export function mediaType(text: string): "application/json" | "application/yaml" {
  return /^\s*\{/.test(text) ? "application/json" : "application/yaml";
}

let handed: Description | undefined;

/** Takes a description along to another page: addresses are too short for one. */
export function handOver(description: Description) {
  handed = description;
}

export function takeHanded(): Description | undefined {
  const taken = handed;
  handed = undefined;
  return taken;
}
