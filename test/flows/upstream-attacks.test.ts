import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import {
  chooseSource,
  codeOf,
  type Federation,
  localSource,
  oidcSourceContent,
  openApp,
  startFederation,
  wayBack,
} from '../support/federation.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { textOf } from '../support/page-text.ts';
import { web } from '../support/sample-tenants.ts';
import { describeOnce, eachStore } from '../support/stores.ts';

eachStore((store) => {
  describe('an answer of an upstream', () => {
    let federation: Federation;
    let corp: object;
    let rival: object;
    const issuer = (): string => federation.issuer;

    beforeAll(async () => {
      federation = await startFederation(store, { instances: 2 });
      corp = oidcSourceContent(federation.upstream('corp'), 'corp');
      rival = oidcSourceContent(federation.upstream('rival'), 'rival');
    });
    beforeEach(() => federation.setSources([localSource, corp, rival]));
    afterEach(restoreTime);
    afterAll(() => federation.close());

    const started = async (browser: Browser, source = 'corp'): Promise<string> =>
      wayBack(browser, await openApp(browser, issuer(), { extra: { idp_hint: source } }));
    const continueSignIn = async (browser: Browser, page: Page): Promise<Page> =>
      browser.follow(page, (target) => target.startsWith(web.redirectUri));

    const expectRefused = (page: Page): void => {
      expect(page.status).toBe(403);
      expect(page.location).toBeUndefined();
      expect(textOf(page)).toContain('This took too long');
      expect(page.headers.getSetCookie().join()).not.toContain('session');
    };

    it('counts once, however many send it at once', async () => {
      const browser = createBrowser();
      const back = await started(browser);
      const cookie = browser
        .cookies()
        .map(({ name, value }) => `${name}=${value}`)
        .join('; ');
      const answers = await Promise.all(
        Array.from({ length: 8 }, () =>
          fetch(back, { redirect: 'manual', headers: { cookie, accept: 'text/html' } }),
        ),
      );

      expect(answers.map(({ status }) => status).sort()).toEqual([303, ...Array(7).fill(403)]);
      expectRefused(await browser.get(back));
    });

    it('leads back by a ticket that is good once, here, and in this browser', async () => {
      const [browser, other] = [createBrowser(), createBrowser()];
      const { location: ticketUrl = '' } = await browser.get(await started(browser));
      const otherStart = await openApp(other, issuer());
      const stolen = `${otherStart.url.split('?')[0]}/return${new URL(ticketUrl).search}`;
      const elsewhere = await other.get(ticketUrl);
      const inOther = await continueSignIn(other, await other.get(stolen));
      const back = await browser.get(ticketUrl);
      const again = await browser.get(ticketUrl);

      expect(elsewhere.status).toBe(404);
      expect(inOther.url).toContain('/interaction/');
      expect(again.location?.endsWith('?choose=yes')).toBe(true);
      expect(codeOf(await continueSignIn(browser, back))).toEqual(expect.any(String));
    });

    describeOnce(store, 'whatever the engine,', () => {
      it('is worth nothing in another browser, and is not used up there', async () => {
        const [victim, thief] = [createBrowser(), createBrowser()];
        const back = await started(victim);
        await started(thief);

        const [bound, other] = [victim, thief].map((each) =>
          each.cookies().find(({ name }) => name.includes('upstream')),
        );
        const answer = await fetch(back, {
          redirect: 'manual',
          headers: { cookie: `${bound?.name}=${other?.value}`, accept: 'text/html' },
        });

        expectRefused(await thief.get(back));
        expectRefused(await createBrowser().get(back));
        expect([other?.value.length, answer.status]).toEqual([43, 403]);
        expect(codeOf(await continueSignIn(victim, await victim.get(back)))).toEqual(expect.any(String));
      });

      it('of one source is worth nothing at another', async () => {
        const browser = createBrowser();
        const back = await started(browser, 'corp');
        await started(browser, 'rival');
        const cookie = browser
          .cookies()
          .map(({ name, value }) => `${name}=${value}`)
          .join('; ');
        const swapped = await fetch(back.replace('/upstream/corp/', '/upstream/rival/'), {
          redirect: 'manual',
          headers: { cookie, accept: 'text/html' },
        });

        expect(swapped.status).toBe(403);
        const [record] = await federation.server.storage.forTenant('acme').audit.list({ limit: 1 });
        expect(record).toMatchObject({
          action: 'sign_in.upstream',
          outcome: 'failure',
          reason: 'rival: not_begun_here',
          address: expect.stringMatching(/127\.0\.0\.1|::1/),
        });
        expect(codeOf(await continueSignIn(browser, await browser.get(back)))).toEqual(expect.any(String));
      });

      it('with the code of another source is not accepted', async () => {
        const browser = createBrowser();
        const [mine, other] = [await started(browser, 'corp'), await started(createBrowser(), 'rival')];
        const mixed = new URL(mine);
        mixed.searchParams.set('code', new URL(other).searchParams.get('code') ?? '');
        const page = await continueSignIn(browser, await browser.get(mixed.href));
        const second = createBrowser();
        const wrongIssuer = new URL(await started(second, 'corp'));
        wrongIssuer.searchParams.set('iss', federation.upstream('rival'));

        for (const refused of [page, await continueSignIn(second, await second.get(wrongIssuer.href))]) {
          expect(refused.status).toBe(400);
          expect(refused.headers.get('x-error')).toBe('The answer of the source is not valid');
          expect(textOf(refused)).toContain('was not valid');
        }
      });

      it.each([
        ['no state', (url: URL) => url.searchParams.delete('state')],
        ['two states', (url: URL) => url.searchParams.append('state', 'x')],
        ['a state of nobody', (url: URL) => url.searchParams.set('state', 'x'.repeat(43))],
        ['an empty state', (url: URL) => url.searchParams.set('state', '')],
      ])('with %s is refused', async (_what, change) => {
        const browser = createBrowser();
        const url = new URL(await started(browser));
        change(url);

        expectRefused(await browser.get(url.href));
      });

      it('is refused when the source was taken out of the file meanwhile', async () => {
        const browser = createBrowser();
        const back = await started(browser);
        await federation.setSources([localSource, rival]);

        expectRefused(await browser.get(back));
      });

      it('is refused when the source was closed to this app meanwhile', async () => {
        const browser = createBrowser();
        const back = await started(browser);
        const closed = oidcSourceContent(federation.upstream('corp'), 'corp', { clients: ['shop'] });
        await federation.setSources([localSource, closed, rival]);
        const page = await browser.get(back);

        expect(page.status).toBe(403);
        expect(page.location).toBeUndefined();
      });

      it('is refused between callback and ticket too, when the source is gone by then', async () => {
        const browser = createBrowser();
        const { location: ticketUrl = '' } = await browser.get(await started(browser));
        await federation.setSources([localSource, rival]);
        const page = await browser.get(ticketUrl);

        expect(page.status).toBe(400);
        expect(page.headers.get('x-error')).toBe('The answer of the source is not valid');
      });

      it('is bound by a cookie for this sign-in alone, out of reach of scripts', async () => {
        const browser = createBrowser();
        const start = await openApp(browser, issuer());
        const before = browser.cookies().length;
        await chooseSource(browser, start, 'corp');
        const bound = browser.cookies().filter(({ name }) => name.includes('upstream'));

        expect(before).toBeGreaterThan(0);
        expect(bound).toEqual([
          expect.objectContaining({
            name: expect.stringMatching(/^drawbridge\.upstream\.[\w-]{12}$/),
            path: '/',
            attributes: expect.stringMatching(/HttpOnly; SameSite=Lax/),
          }),
        ]);
      });

      it('is begun by strangers of one address only so often, and says when they may again', async () => {
        const throttle = { startAddress: { attempts: 4, window: '1m' } };
        await federation.setSources([localSource, corp], { throttle });
        moveTime(61); // what the tests above began is no longer counted
        const browser = createBrowser();
        const start = await openApp(browser, issuer());
        const place = `${start.url.split('?')[0]}/upstream/corp`;
        const begin = () => browser.post(place, { csrf: csrfOf(start) });
        const begun = [await begin(), await begin(), await begin()].map(({ location = '' }) => location);
        expect(begun.map((url) => url.startsWith(federation.upstream('corp')))).toEqual([true, true, true]);
        const refused = await browser.follow(await begin());
        expect(refused.status).toBe(429);
        expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(textOf(refused)).toContain('Too many attempts');
      });

      it('cannot be started by another site, nor for a source that is not offered', async () => {
        const browser = createBrowser();
        const start = await openApp(browser, issuer());
        const place = `${start.url.split('?')[0]}/upstream/corp`;
        const forged = await browser.post(place, { csrf: 'x' });
        const unknown = await browser.post(place.replace('corp', 'nobody'), { csrf: csrfOf(start) });
        const right = await browser.post(place, { csrf: csrfOf(start) });

        expect([forged.status, unknown.status, right.status]).toEqual([403, 404, 303]);
      });
    });
  });
});

const csrfOf = ({ body }: Page): string => /name="csrf" value="([^"]+)"/.exec(body)?.[1] ?? '';
