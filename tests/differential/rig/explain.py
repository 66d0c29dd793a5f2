"""Why attache does otherwise than nginx or HAProxy: every difference matches a rule here, or the run fails.

A rule names the cases (`family: name`, as a regular expression), the aspect, the peers, and how both behaved. The first
rule that matches counts, so the particular ones stand before the general ones.
"""

import re
from dataclasses import dataclass

# The releases that these rules explain. With another one a difference is shown, and fails nothing: it is theirs.
EXPLAINED = {"nginx": "1.22", "HAProxy": "2.6"}


@dataclass(frozen=True)
class Rule:
    title: str
    why: str
    case: str
    aspect: str
    # What a difference must say, as in "refused, not passed".
    how: str = ""
    peer: str = "nginx|HAProxy"

    def matches(self, title: str, peer: str, aspect: str, how: str) -> bool:
        pairs = ((self.case, title), (self.aspect, aspect), (self.peer, peer), (self.how or ".*", how))
        return all(re.fullmatch(pattern, text, re.S) for pattern, text in pairs)


REFUSED, PASSED = "refused, not passed", "passed, not (refused|cut)"

RULES = [
    # Where a request goes.
    Rule("A path that some server reads as lying elsewhere is refused",
         "docs/wire.md, Target: never outside the base path, in whatever way it is read; nothing is mended. nginx and HAProxy leave it to the upstream, nginx after refusing what leaves the root once decoded.",
         "dot segment: .*|path: ///?a|form of the target: (//|/\\\\).*", "verdict", REFUSED),
    Rule("An absolute form is taken only with the Host's own authority",
         "The target names where the request came to, never where it goes: RFC 9112 §3.2.2 asks the client for the same text in Host (§3.2); user information is deprecated (RFC 9110 §4.2.4).",
         "form of the target: (http://gateway:80.*|https?://(evil|u:p|gateway\\.|\\[).*|(ftp|ws)://.*)|host: not the absolute form's", "verdict", REFUSED),
    Rule("An absolute form with an empty path is read",
         "RFC 3986 §3.2: the authority ends at `?` or `#` as well.", "form of the target: http://gateway[?#].*", "verdict", PASSED),
    Rule("An absolute form goes on in origin form",
         "RFC 9112 §3.2.1: that is what an origin server is sent. HAProxy passes the caller's form, with the Host put into it.",
         "form of the target: (?i:https?://gateway).*", "line", peer="HAProxy"),
    Rule("`*` is no target here",
         "There is no resource of the gateway's to ask about, and a connection's base URL has a path (docs/contract.md §3).",
         "method: (OPTIONS|GET) \\*|form of the target: \\*", "verdict", REFUSED, "HAProxy"),
    Rule("TRACE and CONNECT are refused",
         "docs/wire.md, Injection: TRACE would reflect the credential (RFC 9110 §9.3.8), CONNECT would open a tunnel.", "(method|body): (TRACE|CONNECT).*", "verdict", REFUSED, "HAProxy"),
    Rule("A method is any token, in any case",
         "RFC 9110 §9.1: methods are case-sensitive tokens; what they mean is the upstream's to say. nginx takes capitals, `_` and `-`; HAProxy takes `PRI` for HTTP/2.",
         "method: (get|Get|a\\.b!c|PRI)", "verdict", PASSED),
    Rule("A method is any token, in any case", "", "length: '0'", "status|link", peer="nginx"),
    Rule("OPTIONS with `Max-Forwards: 0` is answered here, and otherwise counted down",
         "RFC 9110 §7.6.2: an intermediary MUST check and update the field for OPTIONS. The peers pass it as it is.", "method: OPTIONS with Max-Forwards.*", "requests|field max-forwards|status"),
    Rule("Bytes that no URI has are refused",
         "RFC 3986 §2: `\"`, `<`, `>`, `` ` ``, DEL and bytes that are no UTF-8 stand in no URI; a recipient SHOULD answer 400 (RFC 9112 §3).",
         "byte in the (path|query): ([\"<>`]|DEL|NBSP|0x..)", "verdict", REFUSED),
    Rule("What may stand in a path passes byte for byte",
         "What arrives is what was sent: percent-encoding is nobody's to judge. nginx decodes each path to find its location, and refuses broken escapes and `%00`.",
         "byte in the path: %|path: .*%.*", "verdict", PASSED, "nginx"),
    Rule("A fragment is dropped",
         "RFC 3986 §3.5: it is never sent; behind it a query credential would be lost (docs/wire.md, Injection). nginx passes it on, HAProxy refuses it.",
         "byte in the (path|query): #|query: fragment .*|form of the target: http://gateway#/t", "line|verdict", "passed, not refused|'GET.*"),
    Rule("A request line has two single spaces, a method, a target and a version",
         "RFC 9112 §3: leniency here has been used to smuggle; a recipient MAY be strict. A target without a version would be HTTP/0.9.",
         "form of the target: (two spaces|a tab|a space).*|version: ('HTTP/1\\.1 '|none)|byte in the path: LF", "verdict", REFUSED),
    Rule("A version other than 1.0 and 1.1 is refused with 400",
         "RFC 9110 §2.5 lets a 1.2 be read as 1.1, which does not exist; 505 is a MAY (§15.6.6).", "version: 'HTTP/\\d.*", "verdict|status", "refused, not passed|\\[400\\], not \\[505\\]"),
    Rule("HTTP/1.1 is spoken to upstreams, whatever the caller speaks",
         "RFC 9110 §2.5: the version is the hop's. HAProxy passes HTTP/1.0 on.", ".*HTTP/1\\.0.*", "line", peer="HAProxy"),
    # Host.
    Rule("One valid Host, or 400",
         "RFC 9112 §3.2 (MUST) for none, two, and invalid ones; RFC 9110 §7.2. A list, user information, a path, or a byte outside of a name makes it invalid. It chooses nothing here.",
         "host: .*|.*(one without Host)", "verdict|status|requests", "refused, not passed|\\[200, 400\\], not \\[200, 200\\]|1, not 2"),
    Rule("The form of a Host is checked, not its sense",
         "RFC 3986 §3.2.2 leaves names to whoever resolves them; nothing here does.", "host: '(::1|a\\.\\.b)'", "verdict", PASSED, "nginx"),
    # Fields.
    Rule("A field name is a token, or 400",
         "RFC 9112 §5 and RFC 9110 §5.1. nginx drops such a field and passes the rest (`ignore_invalid_headers`).", "field name: .*", "verdict", REFUSED, "nginx"),
    Rule("A field is not folded, and no space stands before or behind its name",
         "RFC 9112 §5.1 and §5.2: MUST be refused or mended; refused is what can't be read twice. HAProxy mends it.",
         "(field name: a space.*|field value: folded.*|(length|encoding): (folded|a space before the name)|host: (folded|a space before it))", "verdict", REFUSED, "HAProxy"),
    Rule("Every token is a name, underscores too",
         "RFC 9110 §5.1. nginx drops names with other than letters, digits and `-`, `_` among them; attache drops only those that are twins of framing, routing or the credential.",
         "(field name|underscore|duplicate): .*", "field .*", "\\[.+\\], not \\[\\]", "nginx"),
    Rule("Twins of framing and routing fields do not go on",
         "A server behind CGI reads `_` as `-` (RFC 3875 §4.1.18).", "(underscore|encoding): .*", "field (content_length|transfer_encoding|x_forwarded_for)", peer="HAProxy"),
    Rule("A control byte in a value is refused",
         "RFC 9110 §5.5: NUL, CR and LF MUST be refused or replaced, other CTLs are dangerous in the same way. The peers pass most of them.",
         "field value: (0x[01].|VT|FF|DEL|NUL)", "verdict", REFUSED),
    Rule("A name of 1 KiB is a name", "Bounded by the head, as all of it is.", "field name: of 1 KiB", "verdict", PASSED, "HAProxy"),
    Rule("Same-named fields all go on, in order",
         "RFC 9110 §5.3; of `If-Match` a list is meant. nginx refuses a second one, and a second Authorization though it replaces it.", "duplicate: two (If-Match|Authorization)", "verdict", PASSED, "nginx"),
    Rule("At most 100 fields", "A bound with a number: RFC 9110 §5.4; over it 431. nginx bounds bytes only, HAProxy 101 fields.", "many and huge: \\d+ fields", "verdict", REFUSED, "nginx"),
    Rule("A head may have 64 KiB", "`server.proxy.limits.max_head`; the peers' buffers are 8 KiB and 16 KiB by default.", "many and huge: a (field of 60|target of 12) KiB", "verdict", PASSED),
    # What ends at an intermediary.
    Rule("What Connection lists ends here",
         "RFC 9110 §7.6.1: MUST be removed. Neither nginx nor HAProxy does.", "hop by hop: (Connection: .*|two Connection fields)", "field x-(hop|other)", "\\[\\], not .*"),
    Rule("Connection options are compared whole", "RFC 9110 §7.6.1: an option is a token; `\"close\"` is none. nginx looks for the word anywhere.", "hop by hop: Connection: \"close\"", "link", peer="nginx"),
    Rule("Proxy-* fields end here",
         "RFC 9110 §7.6.1 and §11.7: they are for this hop.", "hop by hop: Proxy-(Connection|Authenticate).*", "field proxy-.*", "\\[\\], not .*"),
    Rule("Proxy-Authorization is a place for the caller key", "docs/contract.md §3: one that holds another is a 401.", "hop by hop: Proxy-Authorization.*", "verdict", REFUSED),
    Rule("Forwarding fields do not go to third parties",
         "docs/wire.md, Injection: they tell of our side, or claim another address, host or path.", ".*(Via|Forwarded|X-Real-IP|X-Original-URL|X-Rewrite-URL).*|duplicate: two X-Forwarded-For", "field (via|forwarded|x-.*)", "\\[\\], not .*"),
    Rule("Tracing ends here unless a connector says otherwise", "`upstream.trace_context`: a third party has no business with our spans.", "hop by hop: (traceparent|tracestate|baggage).*", "field (traceparent|tracestate|baggage)", "\\[\\], not .*"),
    Rule("Attache-* fields are consumed here", "docs/contract.md §3. The peers were told of the two tags only.", "hop by hop: Attache-Request-Id.*", "field attache-request-id", "\\[\\], not .*"),
    Rule("`TE: trailers` goes on, and nothing else of it", "RFC 9110 §10.1.4: a proxy that passes trailers says so. nginx drops the field and the trailers.", "(hop by hop: TE|trailer): .*", "field te", peer="nginx"),
    Rule("Only WebSocket is upgraded to, and only by GET over HTTP/1.1",
         "docs/wire.md, Framing: never h2c, which would be a tunnel past every check (RFC 9110 §7.8: an intermediary chooses). nginx drops Upgrade unless told; HAProxy passes any.",
         "upgrade: .*", "field (upgrade|http2-settings)"),
    Rule("`100-continue` is the upstream's to answer",
         "RFC 9110 §10.1.1: forwarded, and the 100 passed back. nginx answers by itself, and drops the field.", "expectation: .*", "field expect", "\\['100-continue'\\], not \\[\\]", "nginx"),
    Rule("`100-continue` goes on in one spelling, with a body, from HTTP/1.1 alone; other expectations do not",
         "RFC 9110 §10.1.1: without content it MUST NOT be sent, in HTTP/1.0 it MUST be ignored, and there is no other.", "expectation: .*", "field expect|interim", peer="nginx|HAProxy"),
    # Framing.
    Rule("POST, PUT and PATCH say their length even if it is 0, other methods do not",
         "RFC 9110 §8.6: servers answer 411 to a POST without one; for GET it means nothing.", "method: (POST|PUT|PATCH).*|body: GET.*", "framing", "'length 0', not 'none'|'none', not 'length 0'"),
    Rule("Length and chunks at once: the chunks count, the length is dropped, the link ends",
         "RFC 9112 §6.3: allowed so, and HAProxy does the same; nginx refuses.", "encoding: (a (longer )?length (before|behind)|two lengths, and chunked)", "verdict", PASSED, "nginx"),
    Rule("Equal lengths are one", "RFC 9110 §8.6: MAY be merged or refused; one goes on. nginx refuses.", "length: (two|three) equal", "verdict", PASSED, "nginx"),
    Rule("A list of lengths is refused", "RFC 9110 §8.6: MAY be refused. HAProxy merges it.", "length: '5, ?5'", "verdict", REFUSED, "HAProxy"),
    Rule("A tab around a value is a space around it", "RFC 9110 §5.6.3: OWS is both. nginx knows spaces.", "(length|encoding): '\\\\t.*", "verdict", PASSED, "nginx"),
    Rule("A length of many zeros is a length", "RFC 9110 §8.6 has no bound on digits. HAProxy passes them on as they came, too many for a strict reader.", "length: '0+5'", "verdict|framing", peer="HAProxy"),
    Rule("A length that no body can have is refused", "RFC 9110 §8.6: overflow MUST be expected. HAProxy passes it on and waits.", "length: '1844.*", "verdict", "refused, not cut", "HAProxy"),
    Rule("Another coding than chunked is a 400", "RFC 9112 §6.1: 501 is a SHOULD; both say no.", "encoding: .*", "status", "\\[400\\], not \\[501\\]", "nginx"),
    Rule("`chunked` stands alone", "RFC 9112 §6.1; RFC 9110 §5.6.1.2 allows empty list members, nobody sends them.", "encoding: 'chunked,'", "verdict", "refused, not (cut|passed)", "HAProxy"),
    Rule("Chunks in HTTP/1.0 are refused", "RFC 9112 §6.1: framing is faulty there.", "encoding: in HTTP/1.0", "verdict", REFUSED, "HAProxy"),
    Rule("Chunks go on as chunks", "Bodies are streamed as they come. nginx counts a body that has come with its head, and says its length.", ".*", "framing", "'chunked', not 'length \\d+'", "nginx"),
    Rule("A chunk line is a size, an extension and CRLF",
         "RFC 9112 §7.1: BWS and tokens there have no other byte; a bare LF or CR is refused (§2.2 lets a lone LF end a line of the head only).",
         "chunk: (size .*|a bare (LF|CR).*|bare LFs alone)", "verdict", "(refused|cut), not (passed|refused)"),
    Rule("A body that breaks off is refused, or has been streamed that far",
         "Where it came at once with its head, nobody is asked; where the good chunks had gone on, the upstream never sees a whole request. The link ends. The peers look at what has come first, or forgive.",
         "chunk: (a bare CR|nothing|other bytes|more data|less data).*|trailer: (that are no field|folded|with a NUL|of 1 MiB)", "verdict", "(refused|cut), not (passed|refused)"),
    Rule("Chunk extensions have a bound", "16 KiB a body: RFC 9112 §7.1.1 asks for one. The peers have none.", "chunk: (an extension|a hundred extensions).*", "verdict", "(refused|cut), not passed"),
    Rule("A body that has not ended is passed on as far as it came", "Streamed; HAProxy waits for more in its buffer.", "(chunk|body): (no|shorter).*", "body", peer="HAProxy"),
    Rule("Trailers go on if they were announced and say nothing of framing, routing or credentials",
         "RFC 9110 §6.5.1 (MUST NOT merge those) and §6.6.2. nginx drops all, HAProxy passes all but one.", "trailer: .*", "trailers"),
    # Links.
    Rule("A refusal that left no doubt keeps the link",
         "The request was read to its end and the next one is in step (RFC 9112 §9.3); where it is not, the link ends.", ".*", "link", "refused: kept, not closed"),
    Rule("A refusal that left no doubt keeps the link", "", "pipeline: .*without Host", "link", "passed: kept, not closed", "nginx"),
    Rule("A refusal of the head ends the link", "RFC 9112 §9.6. HAProxy's answer to an empty authority is a 500 of its own.", "form of the target: .*", "link|status", "refused: closed, not kept|\\[400\\], not \\[500\\]", "HAProxy"),
]  # fmt: skip


def rule_for(title: str, peer: str, aspect: str, how: str) -> Rule | None:
    return next((it for it in RULES if it.matches(title, peer, aspect, how)), None)
