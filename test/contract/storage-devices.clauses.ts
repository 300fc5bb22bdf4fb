import { describe, expect, it } from '@jest/globals';
import type { Artifacts } from '../../src/storage/storage.ts';
import type { GetBench } from './storage.contract.ts';
import { deviceCode, startMs, startSeconds, times } from './storage-samples.ts';

const find = async (artifacts: Artifacts) =>
  (await artifacts.load([{ kind: 'DeviceCode', id: 'device-1' }])).artifacts[0];

export const deviceClauses = (bench: GetBench): void => {
  const open = () => bench().first.forTenant('acme').artifacts;
  const elsewhere = () => bench().second.forTenant('acme').artifacts;
  const put = () => open().write([{ op: 'put', artifact: deviceCode() }]);

  describe('device codes', () => {
    it('are found by user code', async () => {
      await put();
      const loaded = await elsewhere().load([{ kind: 'DeviceCode', userCode: 'ABCD' }]);
      expect(loaded.artifacts).toEqual([deviceCode()]);
      expect((await open().load([{ kind: 'DeviceCode', userCode: 'WXYZ' }])).artifacts).toEqual([]);
    });

    it('refuse a user code that is in use, and leave its owner alone', async () => {
      await put();
      const other = deviceCode({ id: 'device-2', payload: 'other' });
      await expect(open().write([{ op: 'put', artifact: other }])).rejects.toMatchObject({
        code: 'unavailable',
      });
      expect((await open().load([{ kind: 'DeviceCode', userCode: 'ABCD' }])).artifacts).toEqual([
        deviceCode(),
      ]);
    });

    it('move on only from an expected phase', async () => {
      await put();
      const claimed = deviceCode({ phase: 'claimed', payload: 'claimed' });
      expect(await open().replaceInPhase(claimed, ['claimed', 'decided'])).toBe(false);
      expect(await find(open())).toEqual(deviceCode());
      expect(await open().replaceInPhase(claimed, ['pending'])).toBe(true);
      expect(await find(elsewhere())).toEqual(claimed);
      const decided = deviceCode({ phase: 'decided', accountId: 'alice', grantId: 'g', sessionUid: 's' });
      expect(await open().replaceInPhase(decided, ['pending', 'claimed'])).toBe(true);
      expect(await find(elsewhere())).toEqual(decided);
      expect(await open().replaceInPhase(deviceCode(), ['decided'])).toBe(true);
      expect(await find(elsewhere())).toEqual(deviceCode());
    });

    it('do not change once consumed', async () => {
      await put();
      await open().consume('DeviceCode', 'device-1', startMs);
      expect(await open().replaceInPhase(deviceCode({ payload: 'x' }), ['pending'])).toBe(false);
      expect(await find(open())).toEqual({ ...deviceCode(), consumedAt: startMs });
    });

    it('are not made by a replacement', async () => {
      expect(await open().replaceInPhase(deviceCode(), ['pending'])).toBe(false);
      expect(await find(open())).toBeUndefined();
    });

    it.each([20, 100])('are claimed by one of %i people', async (count) => {
      await put();
      const claims = await Promise.all(
        times(count, (n) =>
          (n % 2 ? open() : elsewhere()).replaceInPhase(deviceCode({ phase: 'claimed', accountId: `${n}` }), [
            'pending',
          ]),
        ),
      );
      expect(claims.filter(Boolean)).toHaveLength(1);
      expect(await find(open())).toMatchObject({ accountId: `${claims.indexOf(true)}` });
    });
  });

  describe('polling', () => {
    const poll = async (atSeconds: number) =>
      (await open().poll('device-1', startMs + atSeconds * 1000, 5))?.tooSoon;

    it('is free the first time and in good time afterwards, half a second tolerated', async () => {
      await put();
      expect(await poll(0)).toBe(false);
      expect(await poll(5)).toBe(false);
      expect(await poll(9.5)).toBe(false);
      expect(await poll(13.999)).toBe(true);
    });

    it('grows the interval by five seconds each time it is too soon, for good', async () => {
      await put();
      expect(await poll(0)).toBe(false);
      expect(await poll(4)).toBe(true); // 10 s from here
      expect(await poll(13)).toBe(true); // 15 s from here
      expect(await poll(28)).toBe(false);
      expect(await poll(42)).toBe(true); // 20 s from here
      expect(await poll(62)).toBe(false);
    });

    it('gives the artifact as it is stored, without following links', async () => {
      await open().write([{ op: 'put', artifact: deviceCode({ grantId: 'g' }) }]);
      expect(await elsewhere().poll('device-1', startMs, 5)).toEqual({
        artifact: deviceCode({ grantId: 'g' }),
        tooSoon: false,
      });
      expect(await open().poll('never', startMs, 5)).toBeUndefined();
    });

    it('survives a replacement and leaves the artifact alone', async () => {
      await put();
      await poll(0);
      await open().replaceInPhase(deviceCode({ phase: 'decided' }), ['pending']);
      expect(await poll(1)).toBe(true);
      expect(await find(open())).toEqual(deviceCode({ phase: 'decided' }));
      await open().consume('DeviceCode', 'device-1', startMs + 2);
      expect(await open().poll('device-1', startMs + 20_000, 5)).toEqual({
        artifact: { ...deviceCode({ phase: 'decided' }), consumedAt: startMs + 2 },
        tooSoon: false,
      });
    });

    it('is in good time for one of twenty at once', async () => {
      await put();
      const outcomes = await Promise.all(
        times(20, (n) => (n % 2 ? open() : elsewhere()).poll('device-1', startMs, 5)),
      );
      expect(outcomes.filter((outcome) => outcome?.tooSoon === false)).toHaveLength(1);
      const longer = startSeconds + 600;
      expect(await open().replaceInPhase(deviceCode({ expiresAt: longer }), ['pending'])).toBe(true);
      expect(await poll(5 + 19 * 5 - 1)).toBe(true);
    });
  });
};
