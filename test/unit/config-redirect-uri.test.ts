import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkRedirectUri } from '../../src/config/tenant/redirect-uri.ts';

const accepted = (type: 'web' | 'native', uris: readonly string[]) =>
  uris.filter((uri) => checkRedirectUri(uri, type) === undefined);

describe('checkRedirectUri', () => {
  it('takes https and loopback http for web apps', () => {
    const uris = [
      'https://app.example.com/callback',
      'https://app.example.com:8443/cb?x=1',
      'http://localhost:8080/callback',
      'http://127.0.0.1/cb',
      'http://[::1]:3000/cb',
    ];
    expect(accepted('web', uris)).toEqual(uris);
  });

  it('takes claimed https, loopback http and reverse-domain schemes for native apps', () => {
    const uris = [
      'https://app.example.com/callback',
      'http://127.0.0.1/callback',
      'http://[::1]/callback',
      'http://localhost:1/callback',
      'com.example.demo:/callback',
      'com.example.my-app://callback',
    ];
    expect(accepted('native', uris)).toEqual(uris);
  });

  it('refuses what checker and browser could read differently', () => {
    const uris = [
      'https://rp@evil.example/cb',
      'https://rp:443@evil.example',
      'https://@evil.example/cb',
      'https://rp\\@evil.example/cb',
      'https://rp.example\\.evil.example/cb',
      'https://evil.example#@rp/cb',
      'https:\\\\evil.example\\cb',
      'https:evil.example/cb',
      'https:///evil.example/cb',
      'https://app.example.com/cb#fragment',
      'https://app.example.com/cb#',
      'https://*.example.com/cb',
      'https://app.example.com/*',
      'https://app.example.com/c b',
      ' https://app.example.com/cb',
      'https://app.example.com/cb\n',
      'https://app.exämple.com/cb',
      'https://[::1',
      '//app.example.com/cb',
      '/callback',
      '',
      `https://app.example.com/${'a'.repeat(2000)}`,
    ];
    expect(accepted('web', uris)).toEqual([]);
    expect(accepted('native', uris)).toEqual([]);
  });

  it('refuses schemes that run code or that anybody may claim, in any case', () => {
    const uris = [
      'javascript',
      'data',
      'vbscript',
      'blob',
      'file',
      'intent',
      'about',
      'filesystem',
      'myapp',
      'ftp',
      'ws',
      'http+unix',
    ]
      .flatMap((scheme) => [scheme, scheme.toUpperCase(), `${scheme[0]?.toUpperCase()}${scheme.slice(1)}`])
      .flatMap((scheme) => [`${scheme}:alert(1)`, `${scheme}://app.example.com/cb`, `${scheme}:/cb`]);
    expect(accepted('web', uris)).toEqual([]);
    expect(accepted('native', uris)).toEqual([]);
  });

  it('says of schemes that run code that they are never allowed', () => {
    for (const uri of ['JaVaScRiPt:alert(1)', 'data:text/html,x', 'intent://x', 'blob:https://x.example/1'])
      expect(checkRedirectUri(uri, 'native')).toBe('has a scheme that is never allowed; write https://…');
  });

  it('refuses http beyond loopback, custom schemes of web apps and https loopback of native ones', () => {
    expect(
      accepted('web', ['http://app.example.com/cb', 'http://127.0.0.1.nip.io/cb', 'com.example:/cb']),
    ).toEqual([]);
    expect(
      accepted('native', ['http://app.example.com/cb', 'http://10.0.0.1/cb', 'https://localhost/cb']),
    ).toEqual([]);
    expect(checkRedirectUri('http://app.example.com/cb', 'web')).toContain(
      'write https://app.example.com/cb',
    );
  });

  it('accepts nothing that a browser sends to another host than the one that is read', () => {
    const piece = fc.constantFrom(
      'https:',
      'http:',
      '/',
      '//',
      '\\',
      '@',
      '#',
      '?',
      ':',
      'rp.example',
      'evil.example',
      '%40',
      '%2f',
      '\t',
      '.',
      '*',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
        (uri) => {
          if (checkRedirectUri(uri, 'web') !== undefined) return;
          const [, host] = /^https?:\/\/([^/?#@:\\]+)/.exec(uri) ?? [];
          expect(new URL(uri).hostname).toBe(host);
        },
      ),
      { numRuns: 5000 },
    );
  });
});
