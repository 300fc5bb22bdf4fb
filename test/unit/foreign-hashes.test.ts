import { describe, expect, it } from '@jest/globals';
import { parsePasswordHash } from '../../src/crypto/foreign-hashes/parse-password-hash.ts';

const umlauts = 'Grüße aus Wien 2019';
const horse = 'correct horse battery';
/** Longer than bcrypt reads, and than the one byte in which an old implementation counted. */
const long = Array.from({ length: 280 }, (_, i) => 'abcdefghijklmnopqrstuvwxyz0123456789'[(i * 7) % 36]).join(
  '',
);

/** Made by the software that is named, not by ours. */
const made: readonly (readonly [maker: string, password: string, hash: string])[] = [
  ['bcrypt 4.0.1 (Python) $2b$', umlauts, '$2b$05$viFQc8HTpmx5EGCu3kq1J.LOokBrARXWpcaVOHfsb1jEXbvD2r0Li'],
  ['bcrypt 4.0.1 (Python) $2a$', umlauts, '$2a$05$/ei/Ezt.0yQlT7g.KQJWDuEb.B6NObCxI8Xs7LE51uQOb9r8PhTCe'],
  ['passlib 1.7.4 $2y$', umlauts, '$2y$05$VLOXuAoMwWeLgocOaTmvquZMmmJwBoIqeype7uM1oQxJ2RsXPuCNm'],
  ['bcrypt 4.0.1 (Python), long', long, '$2a$04$/dZgbJKaGsCe.5uGv2jCJuj2Xxg.itLhoY.6JeKoWJcm2aJF/t0Ma'],
  ['libxcrypt', horse, '$2b$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.'],
  ['passlib ldap_bcrypt', umlauts, '{CRYPT}$2b$05$NI7N9X7FXhyBQLBqFlxITexFQcNWY7gCoGjOaLkkXdIW1kMqhnXmW'],
  ['Django 5.2 bcrypt', umlauts, 'bcrypt$$2b$05$uQe2AUCuosOyJT70rWnfkuR/ED2NrnoKQtIiYkwiGa8D2QExB8llm'],
  [
    'Django 5.2 bcrypt_sha256',
    umlauts,
    'bcrypt_sha256$$2b$05$gJIcbJFxbSMAGIfOFhNgwu8Mduf3OET3Rnj/vp.yY7dH1Lj0xNLJ.',
  ],
  ['passlib pbkdf2_sha1', umlauts, '$pbkdf2$1200$IaS0dm5NyZnTGkNIiVGKMQ$/sGIp7xTlIgWNk085vKz9AXgOdQ'],
  [
    'passlib pbkdf2_sha256',
    umlauts,
    '$pbkdf2-sha256$1200$njNmbG3NWUvpHaNUivH.Xw$nV1hyMNgWgDmwIyiCDhe71ThLhqFcrIUoLxTaHrBZ/w',
  ],
  [
    'passlib pbkdf2_sha512',
    umlauts,
    '$pbkdf2-sha512$1200$a.0d45yzNsZ4r9W6F6K01g$wDS1Bc.jpEVQDVvwguZC5HuL5QqVnZngKJZDkbpGHjN/l16BX05VMFdEaW0aSLXIsfTPN1P1ZJ41mKgVFZVQPg',
  ],
  ['passlib ldap_pbkdf2_sha1', umlauts, '{PBKDF2}1200$tZaSshZCaE3pfW9NCUFoTQ$lZ/YZz9XTL0UNnYBSvrNXpOSegw'],
  [
    'passlib ldap_pbkdf2_sha256',
    umlauts,
    '{PBKDF2-SHA256}1200$RqhVqtX63xsjxLi3FuLcWw$iv6Z.Qr4f4B5sMgBFhv5mTehfYQkzClFA7s9OBO3fQE',
  ],
  [
    'passlib ldap_pbkdf2_sha512',
    umlauts,
    '{PBKDF2-SHA512}1200$qbXWGkOo9T6HkLJWylmrdQ$mGdxExfyzqcy9ulgtjejQfbfCN7LM5NweWw/3l5uxobwX0yEw79tyWeMJBLmNWlMPZy7SDEnANOk14vdQmnrWg',
  ],
  [
    'openssl kdf PBKDF2, in PHC form',
    horse,
    '$pbkdf2-sha256$i=2000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$vN0sQNSMoXbuNK3a9ZeDAb7Wcn+2oqgXsnLvBChPpuQ',
  ],
  [
    'Django 5.2 pbkdf2_sha256',
    umlauts,
    'pbkdf2_sha256$1400$0fE3XKZSVifkXxZJkxqlKe$iAmFy6pi5bF4N+R7OhiybUQWq4tt+gYqfnxyd8rBKm0=',
  ],
  ['Django 5.2 pbkdf2_sha1', umlauts, 'pbkdf2_sha1$1400$6jjhedHMNo4Th7bpZtpMYR$Fx0ENZ4ede/LYtwBlmSQyadzdLY='],
  [
    'Werkzeug 3.1 pbkdf2',
    umlauts,
    'pbkdf2:sha512:1300$ejHrpwxdRX7dBjof$80806278a6cd2a6423c347e80b1e0c89bb28b3e304c24a6d024ec7092ab2376c78cb46005403d94fb313e0a1e780b0a3183585f44ebd7cfd1b4f6fe6a499a704',
  ],
  [
    'passlib scrypt',
    umlauts,
    '$scrypt$ln=10,r=8,p=2$DIEw5hyj1Bpj7J2TklJKqQ$f79QYs/eNjLm1Pzz+gIgG8Rprn6vFvuaY5cWFBbsVj0',
  ],
  [
    'openssl kdf SCRYPT, in PHC form',
    horse,
    '$scrypt$ln=11,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$FSCYkfNYRxuH1uym8SruAng2gDSmaj7MKETAdfWpScI',
  ],
  [
    'Django 5.2 scrypt',
    umlauts,
    'scrypt$1024$PGIdft4p6qXTxo8x68ie8a$8$5$HC5CPuQWS+Memw819usyYnpDLJPmcP0VvAqAPpeRtJdAPwL5ulFUE/AHIjQlJChi64CurFH9kVJflR71yFKuUQ==',
  ],
  [
    'Werkzeug 3.1 scrypt',
    umlauts,
    'scrypt:1024:8:2$DXzcqUDlWQ3FxArF$3010f5e559edfe94800d8cf13819b7157c48546b152705b41ebfacdfbb2a2bd77b403b5e5856d664bf7e10269c1d8f547fd974cea6881d9f2986b47605a68196',
  ],
  ['slappasswd {SSHA}', horse, '{SSHA}dyR1Mq+iYbiZLE0umII53FDIb/W89vpr'],
  ['slappasswd {SHA}', horse, '{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U='],
  ['slappasswd {SHA256}', horse, '{SHA256}kCjqDRXeyqNbLaIcApCvOxpboKMKWRkG+JtQdOIJ6nI='],
  ['slappasswd {SSHA256}', horse, '{SSHA256}K4/9j06y0Av8dS0DWoVxnQIBomb/xpnWd3mJQoNZbYFDy8PYjurkig=='],
  [
    'slappasswd {SSHA384}',
    horse,
    '{SSHA384}fAWcKUgvzLwgpfUYxjjvf1OZhnh0E9TGq0y0f82XYOAGkqsT9eYwiml/SypeLsw/VT9L+WEemuI=',
  ],
  [
    'slappasswd {SSHA512}',
    horse,
    '{SSHA512}McDNYDrzCRrF0GqdqXij5FN2WpXxF7AQ7b4voqtDmSU4Ko6ljCJRDqWHoU2k497x3WZ2piDd1ShJi1DpDsUT+OXiQEtH3NZy',
  ],
  [
    'passlib ldap_salted_sha512',
    umlauts,
    '{SSHA512}kiUu7igVNzLlLS+c4lwTUd/PDW78q/XOpqLpniyAXXEB4zzgXPcF2FsICnmLyHZ+3H6iBs/VxftsJKgONknfsh6jlLLWGkOI',
  ],
  [
    'argon2-cffi argon2i',
    umlauts,
    '$argon2i$v=19$m=256,t=1,p=2$ez7/+Ekuf7icfusMOyro2g$rvemY4INF7lB/12G3ZLme4bpS2w',
  ],
  [
    'argon2-cffi argon2d',
    umlauts,
    '$argon2d$v=19$m=256,t=1,p=2$PvBLRlrJf5KU0IhGyVioLQ$W4U6frrPWYujCT+DQQvk+3qo/iU',
  ],
  [
    'argon2-cffi argon2id',
    umlauts,
    '$argon2id$v=19$m=256,t=1,p=2$UDzgr0lS9kuR8TXuIj2yBQ$PpToTole2lQT/hKZvwtUEgKfm4U',
  ],
  [
    'Django 5.2 argon2',
    umlauts,
    'argon2$argon2id$v=19$m=102400,t=2,p=8$TzVSc2FLNzVtbWVlV1BPRXBqdEhPNw$KpKxEYd7W8MtvudLJiZ9qYqP1hv+BfhDVSZh8r3VdSk',
  ],
];

describe('a hash that other software made', () => {
  it.each(made)('is checked: %s', async (_maker, password, hash) => {
    const parsed = parsePasswordHash(hash);
    if (!parsed.ok) throw new Error(parsed.message);
    expect(await parsed.verify(password)).toBe(true);
    expect(await parsed.verify(`${password.slice(0, -1)}!`)).toBe(password.length > 72);
    expect(await parsed.verify(`!${password.slice(1)}`)).toBe(false);
  });

  it('is a bcrypt one of 72 bytes of the password, also where these end within a character', async () => {
    const parsed = parsePasswordHash('$2y$05$sXyw2vhtUlXeFP4qq6BLsegWLRQrnfXesmQ.kgnS4DDURsFSqjIka');
    if (!parsed.ok) throw new Error(parsed.message);
    expect(await parsed.verify('y'.repeat(72))).toBe(true);
    expect(await parsed.verify('y'.repeat(100))).toBe(true);
    expect(await parsed.verify('y'.repeat(71))).toBe(false);
    expect(await parsed.verify(`${'y'.repeat(71)}ü`)).toBe(false);
  });
});

const salt = 'DIEw5hyj1Bpj7J2TklJKqQ';
const key = 'f79QYs/eNjLm1Pzz+gIgG8Rprn6vFvuaY5cWFBbsVj0';

describe('an import refuses', () => {
  it.each([
    [
      'bcrypt that takes minutes',
      '$2b$31$viFQc8HTpmx5EGCu3kq1J.LOokBrARXWpcaVOHfsb1jEXbvD2r0Li',
      /cost of 31.* 4 to 15/,
    ],
    ['bcrypt below its minimum', '$2b$03$viFQc8HTpmx5EGCu3kq1J.LOokBrARXWpcaVOHfsb1jEXbvD2r0Li', /cost of 3/],
    [
      'bcrypt that was cut off',
      '$2b$05$viFQc8HTpmx5EGCu3kq1J.LOokBrARXWpcaVOHfsb1jEXbvD2r0L',
      /bcrypt in a form/,
    ],
    ['the faulty $2x$', '$2x$05$viFQc8HTpmx5EGCu3kq1J.LOokBrARXWpcaVOHfsb1jEXbvD2r0Li', /bcrypt in a form/],
    [
      'PBKDF2 that takes minutes',
      `$pbkdf2-sha256$4000000000$${salt}$${key}`,
      /4000000000 iterations for one block.* 5000000/,
    ],
    [
      'PBKDF2 of many blocks that takes minutes',
      `$pbkdf2-sha1$4000000$${salt}$${'A'.repeat(86)}`,
      /4000000 iterations for each of 4 blocks/,
    ],
    ['PBKDF2 with no iterations', `$pbkdf2-sha256$0$${salt}$${key}`, /0 iterations/],
    ['PBKDF2 with a digest that is not known', `$pbkdf2-md5$1000$${salt}$${key}`, /PBKDF2 in a form/],
    ['PBKDF2 with a hash that was cut off', `$pbkdf2-sha256$1000$${salt}$AAAA`, /PBKDF2 with a salt or hash/],
    [
      'PBKDF2 with a hash that is too long',
      `$pbkdf2-sha256$1000$${salt}$${'A'.repeat(400)}`,
      /PBKDF2 with a salt or hash/,
    ],
    ['PBKDF2 with a salt that is no Base64', `$pbkdf2-sha256$1000$sa!t$${key}`, /PBKDF2 with a salt or hash/],
    [
      'scrypt that takes gigabytes',
      `$scrypt$ln=24,r=8,p=1$${salt}$${key}`,
      /scrypt that is too dear.*256 MiB/,
    ],
    ['scrypt of little work that takes much memory', `$scrypt$ln=18,r=16,p=1$${salt}$${key}`, /256 MiB/],
    ['scrypt that takes minutes', `$scrypt$ln=14,r=8,p=9999$${salt}$${key}`, /scrypt that is too dear/],
    [
      'scrypt with an absurd exponent',
      `$scrypt$ln=99,r=999999,p=999999$${salt}$${key}`,
      /scrypt that is too dear/,
    ],
    ['scrypt with an N that is no power of two', `scrypt$1000$${salt}$8$1$${key}`, /power of two/],
    ['scrypt with nothing in it', `$scrypt$ln=0,r=0,p=0$${salt}$${key}`, /power of two/],
    [
      'argon2 that takes gigabytes',
      `$argon2id$v=19$m=4194304,t=1,p=1$${salt}$${key}`,
      /Argon2 that is too dear.*m=262144/,
    ],
    [
      'argon2 that takes minutes',
      `$argon2id$v=19$m=262144,t=1000,p=1$${salt}$${key}`,
      /Argon2 that is too dear/,
    ],
    [
      'argon2 with a thousand lanes',
      `$argon2id$v=19$m=65536,t=1,p=1000$${salt}$${key}`,
      /Argon2 that is too dear/,
    ],
    ['argon2 with too little memory', `$argon2id$v=19$m=8,t=1,p=2$${salt}$${key}`, /minimum/],
    ['argon2 without parameters', `$argon2id$v=19$${salt}$${key}`, /Argon2 in a form/],
    [
      '{SSHA} without a salt',
      '{SSHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=',
      /\{SSHA\} without 20 bytes of hash and a salt/,
    ],
    ['{SHA} that was cut off', '{SHA}mN7MYuzjmaIu0w1JDvMz', /\{SHA\} without 20 bytes/],
    ['{SSHA} that is no Base64', '{SSHA}***', /\{SSHA\} without/],
    ['{SHA224}', '{SHA224}mN7MYuzjmaIu0w1JDvMzvn/ec4U=', /\{SHA224\}, which is not known/],
    ['{CRYPT} with something else', '{CRYPT}$6$abcdefgh$dTmIYmW', /\{CRYPT\} around something else/],
    ['{CRYPT} with DES', '{CRYPT}N4Y1zu.YPxd', /\{CRYPT\} around something else/],
    ['{MD5}', '{MD5}X03MO1qnZdYdgyfeuILPmQ==', /\{MD5\}, which is not known; known are argon2/],
    ['a password in the clear', 'hunter2hunter2', /in a form that is not known/],
    ['nothing', '', /in a form that is not known/],
    ['a novel', `{SSHA}${'A'.repeat(5000)}`, /longer than 1024 characters/],
  ])('%s', (_name, hash, message) => {
    const parsed = parsePasswordHash(hash);
    if (parsed.ok) throw new Error('it was taken');
    expect(parsed.message).toMatch(message);
    expect(parsed.message).not.toContain('hunter2');
    expect(parsed.message).not.toContain(key);
  });
});
