import { describe, expect, it } from '@jest/globals';
import { normalAuthority, normalOrigin } from '../../src/protocol/authority.ts';

describe('an authority', () => {
  it.each([
    ['login.example.com:443', 'https', 'login.example.com'],
    ['login.example.com:80', 'http:', 'login.example.com'],
    ['login.example.com:443', 'wss', 'login.example.com'],
    ['login.example.com:', 'https', 'login.example.com'],
    ['LOGIN.Example.COM:8443', 'https', 'login.example.com:8443'],
    ['%6Cogin.example.com', 'https', 'login.example.com'],
    ['%4Cogin.example.com', 'https', 'login.example.com'],
    ['[0:0:0:0:0:0:0:1]:443', 'https', '[::1]'],
    ['[::FFFF:127.0.0.1]:3000', 'http', '[::ffff:7f00:1]:3000'],
  ])('%s of %s is %s', (text, scheme, normal) => {
    expect(normalAuthority(text, scheme)).toBe(normal);
  });

  it.each([
    ['login.example.com:80', 'https'],
    ['login.example.com:443', 'http'],
    ['login.example.com:443', ''],
    ['login.example.com.', 'https'],
    ['login.example.com:0443', 'https'],
    ['login.example.com:443:443', 'https'],
    ['user@login.example.com:443', 'https'],
    ['login.example.com%3A443', 'https'],
    ['login.example.com%2F', 'https'],
    ['login.example.com/', 'https'],
    ['0x7f.1', 'http'],
    ['', 'https'],
  ])('%s of %s is no other', (text, scheme) => {
    expect(normalAuthority(text, scheme)).toBe(text.toLowerCase());
  });
});

describe('an origin', () => {
  it.each([
    ['https://app.example.com', 'https://app.example.com'],
    ['HTTPS://App.Example.com:443', 'https://app.example.com'],
    ['http://localhost:80', 'http://localhost'],
    ['https://app.example.com:80', 'https://app.example.com:80'],
    ['http://[0::1]:5173', 'http://[::1]:5173'],
  ])('%s is %s', (text, normal) => {
    expect(normalOrigin(text)).toBe(normal);
  });

  it.each([
    'null',
    '',
    'https://',
    'https://a.example/',
    'https://a.example/x',
    'https://u@a.example',
    'file://x',
  ])('%j is none', (text) => {
    expect(normalOrigin(text)).toBeUndefined();
  });
});
