import { describe, expect, it } from '@jest/globals';
import type { Artifact, Artifacts, SignInPlace, SignInsPage } from '../../src/storage/storage.ts';
import type { GetBench } from './storage.contract.ts';
import { artifact, startSeconds, times } from './storage-samples.ts';

/** All pages, one after the other. */
const pagesOf = async (
  artifacts: Artifacts,
  kind: SignInsPage['kind'],
  limit: number,
): Promise<readonly (readonly Artifact[])[]> => {
  const pages: (readonly Artifact[])[] = [];
  let after: SignInPlace | undefined;
  for (;;) {
    const page = await artifacts.signInsOf('alice', {
      kind,
      limit,
      ...(after === undefined ? {} : { after }),
    });
    pages.push(page);
    const last = page.at(-1);
    if (last === undefined || page.length < limit) return pages;
    const id = (kind === 'RefreshToken' ? last.grantId : last.id) ?? '';
    after = { signedInAt: last.signedInAt ?? 0, id };
  }
};

const idsOf = (found: readonly Artifact[]): readonly string[] => found.map(({ id }) => id);

export const signInClauses = (bench: GetBench): void => {
  const open = () => bench().first.forTenant('acme').artifacts;
  const put = (artifacts: Artifacts, all: readonly Artifact[]) =>
    artifacts.write(all.map((one) => ({ op: 'put', artifact: one })));

  describe.each(['Session', 'GatewaySession', 'RefreshToken'] as const)('sign-ins by %s', (kind) => {
    const signIn = (id: string, ago: number, changes: Partial<Artifact> = {}): Artifact =>
      artifact({
        ...{ kind, id, accountId: 'alice', signedInAt: startSeconds - ago },
        // the order is by grant for tokens: their own ids run the other way
        ...(kind === 'RefreshToken' ? { grantId: id, id: `${9 - Number(id)}` } : {}),
        ...changes,
      });

    it('come in pages, the latest first, and no others', async () => {
      const { signedInAt: _, ...never } = signIn('3', 0);
      const hers = [signIn('5', 0), signIn('4', 10), signIn('2', 10), signIn('1', 10), signIn('6', 20)];
      await put(
        open(),
        hers.toSorted((one, other) => one.id.localeCompare(other.id)),
      );
      await put(open(), [
        never,
        signIn('7', 5, { accountId: 'bob' }),
        signIn('8', 5, { expiresAt: startSeconds + 1 }),
      ]);
      await put(bench().first.forTenant('zeta').artifacts, [signIn('5', 5)]);
      bench().clock.advance(1000);
      const { trips } = bench();
      trips.splice(0);
      const pages = await pagesOf(open(), kind, 2);
      expect(trips).toHaveLength(3);
      expect(pages.map(({ length }) => length)).toEqual([2, 2, 1]);
      expect(pages.flat()).toEqual(hers);
    });

    it('of one second are paged by id', async () => {
      await put(
        open(),
        times(9, (n) => signIn(`${n}`, 0)),
      );
      const ids = idsOf((await pagesOf(open(), kind, 2)).flat());
      expect(ids).toHaveLength(9);
      expect(new Set(ids).size).toBe(9);
    });
  });

  describe('sign-ins', () => {
    it('by gateway session leave out those that end with a session', async () => {
      const own = { kind: 'GatewaySession', accountId: 'alice', signedInAt: startSeconds } as const;
      await put(open(), [
        artifact({ ...own, id: 'alone' }),
        artifact({ ...own, id: 'with', sessionUid: 's' }),
      ]);
      expect(idsOf(await open().signInsOf('alice', { kind: 'GatewaySession', limit: 9 }))).toEqual(['alone']);
    });

    it('by refresh token leave out those that are consumed', async () => {
      const own = {
        kind: 'RefreshToken',
        accountId: 'alice',
        signedInAt: startSeconds,
        grantId: 'g',
      } as const;
      await put(open(), [artifact({ ...own, id: 'used' }), artifact({ ...own, id: 'next' })]);
      await open().consume('RefreshToken', 'used', startSeconds * 1000);
      expect(idsOf(await open().signInsOf('alice', { kind: 'RefreshToken', limit: 9 }))).toEqual(['next']);
      await open().write([{ op: 'removeByGrant', grantId: 'g' }]);
      expect(await open().signInsOf('alice', { kind: 'RefreshToken', limit: 9 })).toEqual([]);
    });
  });
};
