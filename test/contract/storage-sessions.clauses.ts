import { describe, expect, it } from '@jest/globals';
import type { Artifact, Artifacts, ArtifactWrite } from '../../src/storage/storage.ts';
import type { GetBench } from './storage.contract.ts';
import { session, startSeconds, times } from './storage-samples.ts';

const merge = (artifact: Artifact, removed: readonly string[] = []): ArtifactWrite => ({
  op: 'mergeSession',
  artifact,
  removed,
});

const findByUid = async (artifacts: Artifacts, uid = 'uid-1') =>
  (await artifacts.load([{ kind: 'Session', uid }])).artifacts[0];

const findById = async (artifacts: Artifacts, id: string) =>
  (await artifacts.load([{ kind: 'Session', id }])).artifacts[0];

export const sessionClauses = (bench: GetBench): void => {
  const open = () => bench().first.forTenant('acme').artifacts;
  const elsewhere = () => bench().second.forTenant('acme').artifacts;

  describe('sessions', () => {
    it('are found by id and by uid', async () => {
      await open().write([{ op: 'put', artifact: session() }]);
      expect(await findByUid(elsewhere())).toEqual(session());
      expect(await findById(elsewhere(), 'cookie-1')).toEqual(session());
      expect(await findById(elsewhere(), 'uid-1')).toBeUndefined();
      expect(await findByUid(elsewhere(), 'cookie-1')).toBeUndefined();
    });

    it('merge: given entries are set, removed ones dropped, the others kept, the rest replaced', async () => {
      const before = session({
        authorizations: { a: '1', b: '1', 'https://c.example/$x': '1' },
        grantId: 'g',
      });
      await open().write([merge(before)]);
      const after = session({
        authorizations: { b: '2', d: '2' },
        payload: 'new',
        expiresAt: startSeconds + 90,
      });
      await elsewhere().write([merge(after, ['a'])]);
      expect(await findByUid(open())).toEqual({
        ...after,
        authorizations: { b: '2', d: '2', 'https://c.example/$x': '1' },
      });
    });

    it.each(['a.b', '$set', '__proto__', 'constructor', '', '%2E', 'ü 😀'])(
      'merge entries of the client %j',
      async (clientId) => {
        const entry = (value: string) => Object.fromEntries([[clientId, value]]);
        await open().write([merge(session({ authorizations: entry('$1.x') }))]);
        await open().write([merge(session({ authorizations: { other: '2' } }))]);
        const merged = await findByUid(open());
        expect(Object.entries(merged?.authorizations ?? {}).sort()).toEqual(
          [[clientId, '$1.x'] as const, ['other', '2'] as const].sort(),
        );
        await open().write([merge(session({ authorizations: {} }), [clientId])]);
        expect((await findByUid(open()))?.authorizations).toEqual({ other: '2' });
      },
    );

    it('merge replaces when the account is another, or was none', async () => {
      const { accountId: _, ...anonymous } = session({ authorizations: { a: '1' } });
      await open().write([merge(anonymous)]);
      await open().write([merge(session({ authorizations: { b: '1' } }))]);
      expect(await findByUid(open())).toEqual(session({ authorizations: { b: '1' } }));
      await open().write([merge(session({ accountId: 'bob', authorizations: { c: '1' } }))]);
      expect(await findByUid(open())).toEqual(session({ accountId: 'bob', authorizations: { c: '1' } }));
    });

    it('merge replaces one that has expired', async () => {
      await open().write([merge(session({ authorizations: { a: '1' } }))]);
      bench().clock.advance(60_000);
      const later = session({ authorizations: { b: '1' }, expiresAt: startSeconds + 200 });
      await open().write([merge(later)]);
      expect(await findByUid(open())).toEqual(later);
    });

    it('put replaces without merging', async () => {
      await open().write([merge(session({ authorizations: { a: '1' } }))]);
      await open().write([{ op: 'put', artifact: session({ authorizations: { b: '1' } }) }]);
      expect(await findByUid(open())).toEqual(session({ authorizations: { b: '1' } }));
    });

    it.each([2, 20, 200])('lose no entry of %i parallel merges', async (count) => {
      await Promise.all(
        times(count, (n) =>
          (n % 2 ? open() : elsewhere()).write([
            merge(session({ authorizations: { [`app-${n}`]: `${n}` } })),
          ]),
        ),
      );
      const expected = Object.fromEntries(times(count, (n) => [`app-${n}`, `${n}`]));
      expect((await findByUid(open()))?.authorizations).toEqual(expected);
    });

    it('change their id: the removed one is absent, the entries stay', async () => {
      await open().write([merge(session({ authorizations: { a: '1' } }))]);
      await open().write([
        { op: 'remove', kind: 'Session', id: 'cookie-1' },
        merge(session({ id: 'cookie-2', authorizations: { b: '1' } })),
      ]);
      expect(await findById(open(), 'cookie-1')).toBeUndefined();
      const renewed = session({ id: 'cookie-2', authorizations: { a: '1', b: '1' } });
      expect(await findById(open(), 'cookie-2')).toEqual(renewed);
      expect(await findByUid(open())).toEqual(renewed);
    });

    it.each([2, 4])('keep both the ids and the entries of %i parallel renewals', async (count) => {
      await open().write([merge(session())]);
      await Promise.all(
        times(count, (n) =>
          (n % 2 ? open() : elsewhere()).write([
            { op: 'remove', kind: 'Session', id: 'cookie-1' },
            merge(session({ id: `renewed-${n}`, authorizations: { [`app-${n}`]: `${n}` } })),
          ]),
        ),
      );
      const expected = Object.fromEntries(times(count, (n) => [`app-${n}`, `${n}`]));
      expect((await findByUid(open()))?.authorizations).toEqual(expected);
      expect(await findById(open(), 'cookie-1')).toBeUndefined();
      for (const id of times(count, (n) => `renewed-${n}`)) {
        expect(await findById(open(), id)).toMatchObject({ id, uid: 'uid-1', authorizations: expected });
      }
    });

    it('forget the oldest of many ids', async () => {
      for (const n of times(9, (index) => index)) await open().write([merge(session({ id: `id-${n}` }))]);
      expect(await findById(open(), 'id-0')).toBeUndefined();
      expect(await findById(open(), 'id-7')).toBeDefined();
      expect(await findById(open(), 'id-8')).toBeDefined();
      expect(await findByUid(open())).toMatchObject({ id: 'id-8' });
    });

    it('end under all ids when one is removed', async () => {
      await open().write([merge(session()), merge(session({ id: 'cookie-2' }))]);
      await elsewhere().write([{ op: 'remove', kind: 'Session', id: 'cookie-1' }]);
      expect(await findByUid(open())).toBeUndefined();
      expect(await findById(open(), 'cookie-2')).toBeUndefined();
    });

    it('start with one id when the account changes', async () => {
      await open().write([merge(session())]);
      await open().write([merge(session({ id: 'cookie-2', accountId: 'bob' }))]);
      expect(await findById(open(), 'cookie-1')).toBeUndefined();
      expect(await findById(open(), 'cookie-2')).toMatchObject({ accountId: 'bob' });
    });

    it('are removed by a batch that goes on to write another session', async () => {
      await open().write([merge(session())]);
      await open().write([
        { op: 'remove', kind: 'Session', id: 'cookie-1' },
        merge(session({ id: 'cookie-2', uid: 'uid-2' })),
      ]);
      expect(await findByUid(open())).toBeUndefined();
      expect(await findByUid(open(), 'uid-2')).toBeDefined();
    });

    it('give way to another uid under their id', async () => {
      await open().write([merge(session())]);
      await open().write([{ op: 'put', artifact: session({ uid: 'uid-2' }) }]);
      expect(await findByUid(open())).toBeUndefined();
      expect(await findById(open(), 'cookie-1')).toEqual(session({ uid: 'uid-2' }));
    });
  });
};
