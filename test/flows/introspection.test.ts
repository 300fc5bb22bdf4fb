import { afterEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { createBrowser } from '../support/browser.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import {
  introspect,
  redeem,
  refresh,
  revoke,
  signIn,
  signOut,
  tokenRequest,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import {
  alice,
  desktop,
  ordersApi,
  ordersResource,
  partner,
  reportsResource,
  service,
  shop,
  web,
} from '../support/sample-tenants.ts';
import { withEachStore } from '../support/use-server.ts';

const inactive = { status: 200, body: { active: false } };

await withEachStore({ instances: 2 }, (server) => {
  afterEach(restoreTime);
  const issuer = server.issuer('acme');

  const opaque = (client = web) => tokensFor(createBrowser(), { issuer, client });
  const forResource = (resource: string, scope: string) =>
    tokensFor(createBrowser(), { issuer, client: web, scope, extra: { resource } });
  const jwt = () => forResource(ordersResource, 'orders:read');

  describe('introspection', () => {
    it('describes an opaque token to the client it was issued to', async () => {
      const tokens = await opaque();
      const { sub } = decodeJwt(tokens.id_token ?? '');
      const { status, body, headers } = await introspect(issuer, web, tokens.access_token);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        active: true,
        iss: issuer,
        client_id: web.id,
        sub,
        scope: 'openid',
        token_type: 'Bearer',
      });
      expect(Number(body.exp) - Number(body.iat)).toBe(3600);
      expect(headers.get('cache-control')).toBe('no-store');
    });

    it('describes a JWT to the client it was issued to, as the JWT does', async () => {
      const { access_token: token } = await jwt();
      const { body } = await introspect(issuer, web, token);
      const { jti: _, sid: _sid, gid: _gid, ses: _ses, fam: _fam, ...claims } = decodeJwt(token);
      expect(body).toMatchObject({ ...claims, active: true, token_type: 'Bearer' });
    });

    it('describes a refresh token to the client it was issued to', async () => {
      const tokens = await opaque();
      const { body } = await introspect(issuer, web, tokens.refresh_token ?? '');
      expect(body).toMatchObject({ active: true, client_id: web.id });
      expect((await introspect(issuer, shop, tokens.refresh_token ?? '')).body).toEqual({ active: false });
    });

    it.each([
      ['JWT', ordersResource, 'orders:read'],
      ['opaque token', reportsResource, 'reports:read'],
    ])('describes a %s of a resource to its introspector', async (_name, resource, scope) => {
      const { access_token: token } = await forResource(resource, scope);
      const { body } = await introspect(issuer, ordersApi, token);
      expect(body).toMatchObject({ active: true, aud: resource, scope, client_id: web.id });
    });

    it('shows a stranger nothing', async () => {
      const tokens = await opaque();
      for (const token of [
        tokens.access_token,
        tokens.refresh_token ?? '',
        (await jwt()).access_token,
        (await forResource(reportsResource, 'reports:read')).access_token,
      ]) {
        expect(await introspect(issuer, shop, token)).toMatchObject(inactive);
      }
    });

    it('shows the introspector of a resource no tokens that are not for it', async () => {
      const tokens = await opaque();
      expect(await introspect(issuer, ordersApi, tokens.access_token)).toMatchObject(inactive);
      expect(await introspect(issuer, ordersApi, tokens.refresh_token ?? '')).toMatchObject(inactive);
    });

    it('describes the tokens of a service', async () => {
      const form = { grant_type: 'client_credentials', resource: ordersResource, scope: 'orders:read' };
      const { body } = await tokenRequest(issuer, service, form);
      for (const client of [service, ordersApi]) {
        expect((await introspect(issuer, client, body.access_token ?? '')).body).toMatchObject({
          active: true,
          client_id: service.id,
          sub: service.id,
          aud: ordersResource,
        });
      }
      const own = await tokenRequest(issuer, service, { grant_type: 'client_credentials' });
      expect((await introspect(issuer, service, own.body.access_token ?? '')).body).toMatchObject({
        active: true,
        sub: service.id,
      });
    });

    it('refuses a public client, and one that does not prove itself', async () => {
      const own = await opaque(desktop);
      const asPublic = await introspect(issuer, desktop, own.access_token);
      expect(asPublic.body).not.toHaveProperty('sub');
      expect(asPublic.body.active).not.toBe(true);
      const unproven = await introspect(issuer, { id: web.id }, (await opaque()).access_token);
      expect(unproven).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    });

    it('knows no ID token, no code, and no word', async () => {
      const request = { issuer, client: web };
      const signedIn = await signIn(createBrowser(), request);
      expect(await introspect(issuer, web, signedIn.code)).toMatchObject(inactive);
      const { body } = await redeem(request, signedIn);
      for (const token of [body.id_token ?? '', 'x', 'a.b.c', signedIn.state]) {
        expect(await introspect(issuer, web, token)).toMatchObject(inactive);
      }
    });
    it('knows no token with characters cut off or changed', async () => {
      for (const { access_token: token } of [await opaque(), await jwt()]) {
        for (const cut of [1, 2, 10]) {
          expect(await introspect(issuer, web, token.slice(0, -cut))).toMatchObject(inactive);
          expect((await userinfo(issuer, token.slice(0, -cut))).status).toBe(401);
        }
        const middle = Math.floor(token.length / 2);
        const other = token[middle] === 'A' ? 'B' : 'A';
        const changed = `${token.slice(0, middle)}${other}${token.slice(middle + 1)}`;
        expect(await introspect(issuer, web, changed)).toMatchObject(inactive);
      }
    });

    it('takes no JWT of ours whose header says another algorithm', async () => {
      const [, payload] = (await jwt()).access_token.split('.');
      const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
      expect(await introspect(issuer, web, `${header}.${payload}.`)).toMatchObject(inactive);
    });
  });

  describe('revocation', () => {
    it('ends an opaque access token and those beside it, and leaves the consent', async () => {
      const browser = createBrowser();
      const request = { issuer, client: partner };
      const tokens = await tokensFor(browser, { ...request, consent: true });
      expect((await revoke(issuer, partner, tokens.access_token)).status).toBe(200);
      for (let instance = 0; instance < 2; instance += 1) {
        expect(await introspect(issuer, partner, tokens.access_token)).toMatchObject(inactive);
      }
      expect((await userinfo(issuer, tokens.access_token)).status).toBe(401);
      expect((await refresh(issuer, partner, tokens.refresh_token)).body.error).toBe('invalid_grant');
      expect((await signIn(browser, request)).seen).toEqual([]);
    });

    it('ends a JWT here', async () => {
      const { access_token: token } = await jwt();
      expect((await revoke(issuer, web, token)).status).toBe(200);
      for (const client of [web, ordersApi, web, ordersApi]) {
        expect(await introspect(issuer, client, token)).toMatchObject(inactive);
      }
    });

    it('ends the JWT of a service here', async () => {
      const form = { grant_type: 'client_credentials', resource: ordersResource, scope: 'orders:read' };
      const token = (await tokenRequest(issuer, service, form)).body.access_token ?? '';
      expect((await revoke(issuer, service, token)).status).toBe(200);
      for (const client of [service, ordersApi]) {
        expect(await introspect(issuer, client, token)).toMatchObject(inactive);
      }
    });

    it('of a refresh token ends all that hangs on its grant', async () => {
      const request = {
        issuer,
        client: web,
        scope: 'openid orders:read',
        extra: { resource: ordersResource },
      };
      const tokens = await tokensFor(createBrowser(), request);
      const second = await refresh(issuer, web, tokens.refresh_token, { resource: ordersResource });
      expect(await introspect(issuer, web, second.body.access_token ?? '')).toMatchObject({
        body: { active: true, aud: ordersResource },
      });

      expect((await revoke(issuer, web, second.body.refresh_token ?? '')).status).toBe(200);
      for (const token of [tokens.access_token, second.body.access_token ?? '']) {
        expect(await introspect(issuer, web, token)).toMatchObject(inactive);
      }
      expect((await userinfo(issuer, tokens.access_token)).status).toBe(401);
      expect((await refresh(issuer, web, second.body.refresh_token)).body.error).toBe('invalid_grant');
    });

    it.each(['the sign-out', 'a code that came twice'])('comes by %s as well, for JWTs too', async (end) => {
      const browser = createBrowser();
      const request = { issuer, client: web, scope: 'orders:read', extra: { resource: ordersResource } };
      moveTime(0);
      const signedIn = await signIn(browser, request);
      const { body } = await redeem(request, signedIn);
      expect((await introspect(issuer, ordersApi, body.access_token ?? '')).body.active).toBe(true);
      if (end === 'the sign-out') await signOut(browser, issuer);
      else {
        moveTime(11);
        await redeem(request, signedIn);
      }
      expect(await introspect(issuer, ordersApi, body.access_token ?? '')).toMatchObject(inactive);
    });

    it('is not for tokens of other clients', async () => {
      const tokens = await opaque();
      const { access_token: other } = await jwt();
      for (const token of [tokens.access_token, tokens.refresh_token ?? '', other]) {
        for (const client of [shop, ordersApi]) await revoke(issuer, client, token);
        expect((await introspect(issuer, web, token)).body.active).toBe(true);
      }
    });

    // RFC 7009 section 2.2
    it('answers 200 for what is no token', async () => {
      for (const token of ['x', 'a.b.c', alice.password]) {
        expect((await revoke(issuer, web, token)).status).toBe(200);
      }
    });

    it('answers with no content, and no type of it', async () => {
      for (const token of ['x', (await opaque()).access_token]) {
        const { status, headers } = await revoke(issuer, web, token);
        expect(status).toBe(200);
        expect(headers.get('content-type')).toBeNull();
        expect(headers.get('content-length')).toBe('0');
      }
    });

    it('lets a public client end its own tokens', async () => {
      const tokens = await opaque(desktop);
      expect((await revoke(issuer, desktop, tokens.refresh_token ?? '')).status).toBe(200);
      expect((await userinfo(issuer, tokens.access_token)).status).toBe(401);
      expect((await refresh(issuer, desktop, tokens.refresh_token)).body.error).toBe('invalid_grant');
    });
  });
  describe('another tenant', () => {
    it('neither describes nor ends tokens of this one', async () => {
      const other = server.issuer('globex');
      const tokens = await opaque();
      for (const token of [tokens.access_token, tokens.refresh_token ?? '', (await jwt()).access_token]) {
        expect(await introspect(other, web, token)).toMatchObject(inactive);
        expect(await introspect(other, ordersApi, token)).toMatchObject(inactive);
        await revoke(other, web, token);
        expect((await introspect(issuer, web, token)).body.active).toBe(true);
      }
    });
  });
});
