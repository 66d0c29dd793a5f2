import { Badge, type Tone } from "~/kit/told";

interface Said {
  tone: Tone;
  word: string;
  line: string;
}

/** What became of a delivery, in a word and in a sentence. */
const VERDICTS: Record<string, Said> = {
  accepted: { tone: "good", word: "Accepted", line: "It was verified, and its target took it." },
  repeated: {
    tone: "dim",
    word: "Repeated",
    line: "It was taken before, or is on its way: it was answered and not forwarded again.",
  },
  refused: { tone: "bad", word: "Refused", line: "It was not verified, and nothing of it was forwarded." },
  failed: {
    tone: "warn",
    word: "Failed",
    line: "It was verified, and its target did not take it. The sender is free to try again, and so are you.",
  },
  handshake: {
    tone: "info",
    word: "Handshake",
    line: "The sender's question was answered; there was nothing to forward.",
  },
};

const CODES: Record<string, string> = {
  webhook_unsigned:
    "The signature, or what it needs, was not there. Does the sender know the secret, and is this its address?",
  webhook_bad_signature:
    "The signature is another. Mostly the secret is another than the sender's, or something on the way changed the body.",
  webhook_stale: "Its clock is too far off: it was sent long ago, or somebody's clock is wrong.",
  webhook_undeliverable: "The target could not be reached, or did not answer with a 2xx.",
  webhook_in_flight: "The same delivery was being forwarded at that moment.",
};

export const VERDICT_NAMES = Object.keys(VERDICTS);

export function verdictOf(verdict: string): Said {
  return VERDICTS[verdict] ?? { tone: "dim", word: verdict, line: "" };
}

export function codeLine(code: string | null | undefined): string | undefined {
  return code ? CODES[code] : undefined;
}

export function Verdict({ verdict }: { verdict: string }) {
  const { tone, word, line } = verdictOf(verdict);
  return (
    <Badge tone={tone} title={line}>
      {word}
    </Badge>
  );
}
