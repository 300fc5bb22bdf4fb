import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { openSealed, seal } from '../../src/crypto/sealed-box.ts';

const key = randomBytes(32);
const secret = Buffer.from('the private part of a key');

describe('a sealed box', () => {
  it('opens with the same key and purpose', () => {
    expect(openSealed(key, seal(key, secret, 'acme/kid-1'), 'acme/kid-1')).toEqual(secret);
  });

  it('holds an empty text too', () => {
    expect(openSealed(key, seal(key, Buffer.alloc(0), 'acme'), 'acme')).toHaveLength(0);
  });

  it('never looks the same twice', () => {
    expect(seal(key, secret, 'acme')).not.toBe(seal(key, secret, 'acme'));
  });

  const refusals: readonly (readonly [string, (sealed: string) => Buffer])[] = [
    ['another key', (sealed) => openSealed(randomBytes(32), sealed, 'acme/kid-1')],
    ['another purpose', (sealed) => openSealed(key, sealed, 'other/kid-1')],
    ['a flipped bit', (sealed) => openSealed(key, flipLast(sealed), 'acme/kid-1')],
    ['a shortened text', (sealed) => openSealed(key, sealed.slice(0, 20), 'acme/kid-1')],
    ['an unknown version', (sealed) => openSealed(key, `v9${sealed.slice(2)}`, 'acme/kid-1')],
    ['something else', () => openSealed(key, '', 'acme/kid-1')],
  ];

  it.each(refusals)('refuses %s and says nothing of the content', (_name, open) => {
    const sealed = seal(key, secret, 'acme/kid-1');
    expect(() => open(sealed)).toThrow(/^A sealed value (cannot be opened|has a form)/);
    expect(() => open(sealed)).not.toThrow(/private part/);
  });
});

const flipLast = (sealed: string): string => {
  const [version, text = ''] = sealed.split('.');
  const bytes = Buffer.from(text, 'base64url');
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  return `${version}.${bytes.toString('base64url')}`;
};
