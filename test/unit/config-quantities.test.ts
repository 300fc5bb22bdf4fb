import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findNearest } from '../../src/config/parsing/nearest.ts';
import { formatDuration, parseDurationMs, parseSizeKiB } from '../../src/config/parsing/quantities.ts';
import { isLoopbackHost } from '../../src/protocol/loopback.ts';

describe('parseDurationMs', () => {
  it.each<[string | number, number]>([
    ['500ms', 500],
    ['5s', 5000],
    ['15m', 900_000],
    ['1h', 3_600_000],
    ['30d', 2_592_000_000],
    ['1.5h', 5_400_000],
    ['90', 90_000],
    [90, 90_000],
    [0, 0],
    ['0s', 0],
    [' 5m ', 300_000],
  ])('reads %j', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each([
    '',
    's',
    '5 m',
    '-5s',
    '5M',
    '5min',
    '1h30m',
    '1e3s',
    'Infinity',
    '0x10',
    '9'.repeat(13),
    -1,
    Number.NaN,
  ])('refuses %j', (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });

  it('gives whole milliseconds or nothing, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.double(), fc.stringMatching(/^[0-9.]{1,14}(ms|s|m|h|d)?$/)),
        (text) => {
          const ms = parseDurationMs(text);
          expect(ms === undefined || (Number.isSafeInteger(ms) && ms >= 0)).toBe(true);
        },
      ),
    );
  });

  it('reads back what formatDuration writes', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10 ** 12 }), (ms) => {
        expect(parseDurationMs(formatDuration(ms))).toBe(ms);
      }),
    );
    expect([300_000, 90_000, 86_400_000, 1].map(formatDuration)).toEqual(['5m', '90s', '1d', '1ms']);
  });
});

describe('parseSizeKiB', () => {
  it('reads sizes with a unit and nothing else', () => {
    expect(['512KiB', '19MiB', '1 GiB', '1.5MiB'].map(parseSizeKiB)).toEqual([512, 19_456, 1_048_576, 1536]);
    expect(['19', '19MB', 'MiB', '-1MiB', ''].map(parseSizeKiB)).toEqual(Array(5).fill(undefined));
  });
});

describe('findNearest', () => {
  const known = ['redirect_uris', 'client_id', 'publicUrl', 'grant_types'];
  it.each([
    ['redirectUris', 'redirect_uris'],
    ['redirect_uri', 'redirect_uris'],
    ['clinet_id', 'client_id'],
    ['PUBLIC_URL', 'publicUrl'],
    ['grants', undefined],
    ['', undefined],
  ])('takes %j for %j', (name, meant) => {
    expect(findNearest(name, known)).toBe(meant);
  });
});

describe('isLoopbackHost', () => {
  it('knows this machine from others', () => {
    const loopback = ['localhost', 'LOCALHOST', 'login.localhost', '127.0.0.1', '127.9.9.9', '::1', '[::1]'];
    expect(loopback.filter((host) => !isLoopbackHost(host))).toEqual([]);
    const others = [
      '0.0.0.0',
      '::',
      '10.0.0.1',
      '128.0.0.1',
      'localhost.example.com',
      '127.0.0.1.nip.io',
      'notlocalhost',
      '',
    ];
    expect(others.filter(isLoopbackHost)).toEqual([]);
  });
});
