import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createMessageGuard } from '../../src/connectors/ldap/message-guard.ts';

const element = (tag: number, ...contents: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const length = Buffer.alloc(5, 0x84);
  length.writeUInt32BE(content.length, 1);
  return Buffer.concat([Buffer.from([tag]), length, content]);
};
const text = (value: string) => element(0x04, Buffer.from(value));
const id = element(0x02, Buffer.from([7]));
const message = (...parts: readonly Buffer[]) => element(0x30, id, ...parts);
const result = (tag: number) => element(tag, element(0x0a, Buffer.from([0])), text(''), text(''));
const attribute = (name: string, ...values: readonly string[]) =>
  element(0x30, text(name), element(0x31, ...values.map(text)));
const entry = (...attributes: readonly Buffer[]) => element(0x64, text('cn=x'), element(0x30, ...attributes));

const samples = [
  message(result(0x61)),
  message(result(0x65), element(0xa0, element(0x30, text('1.2.3'), text('value')))),
  message(result(0x61), element(0xa0, element(0x30, text('1.2.3'), element(0x01, Buffer.from([255]))))),
  message(entry()),
  message(entry(attribute('cn', 'a', 'b'), attribute('empty'), attribute('sn', 'x'.repeat(70_000)))),
  message(element(0x73, text('ldap://elsewhere/'))),
];

describe('the guard in front of the LDAP parser', () => {
  it('lets through what RFC 4511 says, however it is cut into pieces', () => {
    const stream = Buffer.concat(samples);
    for (const size of [1, 2, 7, 1_000, stream.length]) {
      const guard = createMessageGuard();
      const messages: Buffer[] = [];
      for (let at = 0; at < stream.length; at += size)
        messages.push(...guard.accept(stream.subarray(at, at + size)));
      expect(Buffer.concat(messages).equals(stream)).toBe(true);
      expect(messages).toHaveLength(samples.length);
      expect(guard.pendingBytes()).toBe(0);
    }
  });

  it.each([
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n')],
    ['a length without end', Buffer.from('3080', 'hex')],
    ['a length of five bytes', Buffer.from('30850000000001', 'hex')],
    ['four gigabytes', Buffer.from('3084ffffffff', 'hex')],
    [
      'an attribute that is longer than its entry',
      message(element(0x64, text('cn=x'), Buffer.from('3010300404', 'hex'))),
    ],
    ['an attribute without a set', message(entry(element(0x30, text('cn'), text('a'), id)))],
    [
      'a value that is longer than its set',
      message(entry(element(0x30, text('cn'), Buffer.from('31030409ff', 'hex')))),
    ],
    [
      'an odd byte behind a bind’s answer',
      message(element(0x61, result(0x30).subarray(2), Buffer.from([0x04]))),
    ],
    ['a control without a type', message(result(0x61), element(0xa0, element(0x30, id)))],
    [
      'a control that goes on',
      message(result(0x61), element(0xa0, element(0x30, text('1'), text('2'), text('3')))),
    ],
    ['nothing but an id', message()],
  ])('refuses %s', (_, bytes) => {
    expect(() => createMessageGuard().accept(bytes)).toThrow('');
  });

  it('refuses what is nested without end', () => {
    let nested = element(0xa3);
    for (let depth = 0; depth < 1_000; depth += 1) nested = element(0xa3, nested);
    const bytes = message(element(0x61, element(0x0a, Buffer.from([0])), text(''), text(''), nested));
    expect(() => createMessageGuard().accept(bytes)).toThrow('nested');
  });

  it('comes to an end whatever it is fed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        (sample, at, byte) => {
          const broken = Buffer.from(sample);
          broken[at % broken.length] = byte;
          try {
            createMessageGuard().accept(broken);
          } catch (error) {
            expect(error).toMatchObject({ name: 'MalformedMessage' });
          }
        },
      ),
    );
  });
});
