// ldapts trusts its peer: a malformed answer makes its parser loop without end or use unlimited memory. Therefore only
// whole messages of the form of RFC 4511 are passed on to it.

/** Bytes; a person's entry with thousands of groups fits. */
const longestMessage = 1024 * 1024;
/** Tag, and at most five bytes of length. */
const longestHeader = 6;
const deepestNesting = 12;

const tags = {
  boolean: 0x01,
  integer: 0x02,
  octets: 0x04,
  enumerated: 0x0a,
  sequence: 0x30,
  set: 0x31,
  controls: 0xa0,
  searchEntry: 0x64,
  searchReference: 0x73,
} as const;

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

export interface MessageGuard {
  /**
   * The messages that are whole with this chunk.
   * @throws MalformedMessage, after which the connection is of no use
   */
  accept(chunk: Buffer): readonly Buffer[];
  /** Bytes of an incomplete message. */
  pendingBytes(): number;
}

export const createMessageGuard = (): MessageGuard => {
  // Kept apart until a message is whole: joining at each chunk would be quadratic.
  let chunks: Buffer[] = [];
  let pending = 0;
  let expected = 0;

  const take = (): Buffer | undefined => {
    if (pending < 2 || pending < expected) return undefined;
    const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
    chunks = [bytes];
    expected = lengthOfMessage(bytes) ?? 0;
    if (expected === 0 || pending < expected) return undefined;
    const message = bytes.subarray(0, expected);
    chunks = pending > expected ? [bytes.subarray(expected)] : [];
    pending -= expected;
    expected = 0;
    checkMessage(message);
    return message;
  };

  return {
    accept: (chunk) => {
      chunks.push(chunk);
      pending += chunk.length;
      const messages: Buffer[] = [];
      for (let message = take(); message !== undefined; message = take()) messages.push(message);
      return messages;
    },
    pendingBytes: () => pending,
  };
};

/** Undefined when too few bytes have arrived. */
const lengthOfMessage = (bytes: Buffer): number | undefined => {
  if (bytes[0] !== tags.sequence) throw new MalformedMessage('the answer is not LDAP');
  const header = readHeader(bytes, 0);
  if (header === undefined) {
    if (bytes.length >= longestHeader) throw new MalformedMessage('a length cannot be read');
    return undefined;
  }
  const length = header.contentAt + header.length;
  if (length > longestMessage) throw new MalformedMessage('an answer is too long');
  return length;
};

const readHeader = (bytes: Buffer, at: number): { contentAt: number; length: number } | undefined => {
  const first = bytes[at + 1];
  if (first === undefined) return undefined;
  if (first < 0x80) return { contentAt: at + 2, length: first };
  const count = first & 0x7f;
  if (count === 0 || count > 4) throw new MalformedMessage('a length of a form that LDAP forbids');
  if (bytes.length < at + 2 + count) return undefined;
  return { contentAt: at + 2 + count, length: bytes.readUIntBE(at + 2, count) };
};

const readElements = (bytes: Buffer): readonly Element[] => {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = readHeader(bytes, at);
    const end = header === undefined ? Number.POSITIVE_INFINITY : header.contentAt + header.length;
    if (header === undefined || end > bytes.length) throw new MalformedMessage('an element is cut off');
    elements.push({ tag: bytes[at] ?? 0, content: bytes.subarray(header.contentAt, end) });
    at = end;
  }
  return elements;
};

const expectTags = (elements: readonly Element[], ...expected: readonly number[]): void => {
  if (elements.length !== expected.length || elements.some(({ tag }, at) => tag !== expected[at]))
    throw new MalformedMessage('an answer is not made as RFC 4511 says');
};

const checkMessage = (message: Buffer): void => {
  const [envelope] = readElements(message);
  const [id, operation, controls, ...rest] = readElements(envelope?.content ?? message);
  if (id?.tag !== tags.integer || operation === undefined || rest.length > 0)
    throw new MalformedMessage('a message without its parts');
  if (controls !== undefined) checkControls(controls);
  if (operation.tag === tags.searchEntry) checkEntry(operation.content);
  else if (operation.tag === tags.searchReference) {
    const uris = readElements(operation.content);
    expectTags(uris, ...uris.map(() => tags.octets));
  } else checkResult(operation.content);
};

const checkControls = (controls: Element): void => {
  if (controls.tag !== tags.controls) throw new MalformedMessage('something in the place of the controls');
  for (const { tag, content } of readElements(controls.content)) {
    const [type, ...rest] = readElements(content);
    if (tag !== tags.sequence || type?.tag !== tags.octets || rest.length > 2)
      throw new MalformedMessage('a control without its parts');
    const [first, second] = rest;
    if (first !== undefined && first.tag !== tags.boolean && first.tag !== tags.octets)
      throw new MalformedMessage('a control of odd parts');
    if (second !== undefined && (first?.tag !== tags.boolean || second.tag !== tags.octets))
      throw new MalformedMessage('a control of odd parts');
  }
};

const checkEntry = (content: Buffer): void => {
  const parts = readElements(content);
  expectTags(parts, tags.octets, tags.sequence);
  for (const attribute of readElements(parts[1]?.content ?? content)) {
    expectTags([attribute], tags.sequence);
    const [type, values, ...rest] = readElements(attribute.content);
    if (type === undefined || values === undefined || rest.length > 0)
      throw new MalformedMessage('an attribute without its parts');
    expectTags([type, values], tags.octets, tags.set);
    const each = readElements(values.content);
    expectTags(each, ...each.map(() => tags.octets));
  }
};

const checkResult = (content: Buffer): void => {
  const elements = readElements(content);
  expectTags(elements.slice(0, 3), tags.enumerated, tags.octets, tags.octets);
  for (const element of elements) checkNesting(element, 0);
};

const checkNesting = ({ tag, content }: Element, depth: number): void => {
  const isConstructed = (tag & 0x20) !== 0;
  if (!isConstructed) return;
  if (depth > deepestNesting) throw new MalformedMessage('an answer is nested too deep');
  for (const element of readElements(content)) checkNesting(element, depth + 1);
};
