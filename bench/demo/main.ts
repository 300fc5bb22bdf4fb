// `npm run demo`: plays the apps of the demo tenants against the running server, as customers would.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { packageRoot } from '../../src/package-root.ts';
import { findSlapd, startDirectory } from '../directory/start-slapd.ts';
import { type DemoTenant, loadDemoTenant } from './demo-tenant.ts';
import { describeFailure } from './expectations.ts';
import { openHarbour } from './harbour.ts';
import { openOffices } from './offices.ts';
import { type Person, playAccount } from './play-account.ts';
import { dora, playDirectory, playUpstream } from './play-federation.ts';
import { playGateway } from './play-gateway.ts';
import { playKeys } from './play-keys.ts';
import { findChromium, playPasskey } from './play-passkey.ts';
import { compareTenants, type PlayedTenant, playTenant, type Step } from './play-tenant.ts';
import { settingsHere, usesStore, whoAnswers } from './server-here.ts';

const tenantIds = ['default', 'acme'] as const;
const nameWidth = 52;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Counts what was done, and shows each step on a line of its own. */
const createSteps = (): { readonly step: Step; done(): number } => {
  let done = 0;
  return {
    step: async (name, work) => {
      const startedAt = performance.now();
      try {
        const result = await work();
        done += 1;
        const time = `${(performance.now() - startedAt).toFixed(0)} ms`;
        say(`  ${pc.green('✓')} ${name.padEnd(nameWidth)} ${pc.dim(time.padStart(8))}`);
        return result;
      } catch (failure) {
        say(`  ${pc.red('✗')} ${name}\n    ${pc.red(describeFailure(failure))}`);
        throw failure;
      }
    },
    done: () => done,
  };
};

/** Undefined when the server can be played against; otherwise the reason is out. */
const findServer = async (url: string | undefined): Promise<Server | undefined> => {
  const refuse = (reason: string, next: string): undefined => {
    say(pc.red(reason));
    say(next);
  };
  const here = settingsHere();
  if (url === undefined && 'faults' in here)
    return refuse(here.faults.join('\n'), 'These are the settings that npm start uses here.');
  const settings = 'settings' in here ? here.settings : undefined;
  const at = url ?? settings?.server.publicUrl ?? '';
  const others = `Stop it, or give the server of this folder another port: DRAWBRIDGE_SERVER__PORT=<port>, for npm start and for npm run demo.`;
  switch (await whoAnswers(at)) {
    case 'nobody':
      return refuse(
        `No Drawbridge answers at ${at}. Start it in another terminal first: npm start`,
        'If it is elsewhere: npm run demo -- --url http://localhost:<port>',
      );
    case 'other':
      return refuse(`Another program answers at ${at}, which is no Drawbridge.`, others);
    default:
  }
  if (url !== undefined || settings === undefined)
    return { url: at, directory: join(packageRoot(), 'tenants') };
  const { directory } = settings.tenants;
  const missing = tenantIds.filter((id) => !existsSync(join(directory, `${id}.yaml`)));
  if (missing.length > 0)
    return refuse(
      `The demo needs the tenants ${tenantIds.join(' and ')}; ${missing.join(' and ')} not in ${directory}.`,
      `Copy the files from ${join(packageRoot(), 'tenants')}.`,
    );
  const [id] = tenantIds;
  if (await usesStore(loadDemoTenant(directory, id, at).issuer, id, settings)) return { url: at, directory };
  return refuse(
    `Another Drawbridge answers at ${at}: it has not the data of this folder (${settings.storage.url}).`,
    others,
  );
};

interface Server {
  readonly url: string;
  /** Of the tenants' files. */
  readonly directory: string;
}

/** Resolves to the exit code. */
const play = async (given: string | undefined): Promise<number> => {
  const server = await findServer(given);
  if (server === undefined) return 1;
  const { url, directory } = server;
  const startedAt = performance.now();
  const { step, done } = createSteps();
  const played: PlayedTenant[] = [];
  say(`Playing the demo's apps against ${pc.bold(url)}`);
  for (const id of tenantIds) {
    const tenant = loadDemoTenant(directory, id, url);
    say(`\n${pc.bold(tenant.displayName)} ${pc.dim(tenant.issuer)}`);
    // What failed was said by its step; the other tenant is played all the same.
    await playTenant(tenant, step).then(
      (result) => played.push(result),
      () => undefined,
    );
  }
  const [one, other] = played;
  let isApart = false;
  if (one !== undefined && other !== undefined) {
    say(`\n${pc.bold('Tenants are apart')}`);
    isApart = await compareTenants(one, other, step).then(
      () => true,
      () => false,
    );
  }
  const isAccountPlayed = isApart && (await playPeople(loadDemoTenant(directory, tenantIds[0], url), step));
  const isFederated = isAccountPlayed && (await playFederation(step));
  const isGuarded = isFederated && (await playServices(step));
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  say(
    isGuarded
      ? `\n${pc.green(`All ${done()} steps went well`)} in ${seconds} s.`
      : `\n${pc.red('A step failed.')}`,
  );
  return isGuarded ? 0 : 1;
};

/** A person's own account. False when a step failed. */
const playPeople = async (tenant: DemoTenant, step: Step): Promise<boolean> => {
  say(`\n${pc.bold('People look after their own account')} ${pc.dim(tenant.issuer)}`);
  try {
    const chromium = await findChromium();
    const { issuer } = tenant;
    const withPasskey =
      chromium === undefined ? undefined : (person: Person) => playPasskey({ chromium, issuer }, person);
    await playAccount(tenant, { step, withPasskey });
    if (chromium === undefined)
      say(pc.yellow('  - the step of a passkey needs Chromium, which is not installed'));
    return true;
  } catch {
    return false; // the step has said it
  }
};

/** People who are kept elsewhere, at a server that is started for it. False when a step failed. */
const playFederation = async (step: Step): Promise<boolean> => {
  const slapd = await findSlapd();
  const directory =
    slapd === undefined
      ? undefined
      : await startDirectory(slapd, { people: [dora], nesting: { editors: 'staff' } });
  const offices = await openOffices(directory);
  say(`\n${pc.bold('People kept elsewhere')} ${pc.dim(`a second server, ${offices.url}`)}`);
  try {
    await playUpstream(offices, step);
    if (directory === undefined)
      say(pc.yellow('  - the steps of an LDAP directory need slapd, which is not installed'));
    else await playDirectory(offices, directory, step);
    return true;
  } catch {
    return false; // the step has said it
  } finally {
    await offices.close();
    await directory?.close();
  }
};

/** A service behind the gateway of a server that is started for it. False when a step failed. */
const playServices = async (step: Step): Promise<boolean> => {
  const harbour = await openHarbour();
  say(`\n${pc.bold('A service behind the gateway')} ${pc.dim(`a third server, ${harbour.serviceUrl}`)}`);
  try {
    await playGateway(harbour, step);
    await playKeys(harbour, step);
    return true;
  } catch {
    return false; // the step has said it
  } finally {
    await harbour.close();
  }
};

const { url } = new Command('npm run demo --')
  .description('Plays all flows against the running server, at both demo tenants.')
  .option('--url <url>', 'public URL of a server elsewhere (default: the one that npm start starts here)')
  .parse()
  .opts<{ url?: string }>();
process.exitCode = await play(url?.replace(/\/$/, ''));
