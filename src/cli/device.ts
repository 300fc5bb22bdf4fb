import type { Command } from 'commander';
import { createDevices, type Device, type Devices } from '../accounts/devices.ts';
import { createAudit } from '../audit/audit.ts';
import { systemClock } from '../clock.ts';
import { definedOnly } from '../defined-only.ts';
import { authorizationsOf } from '../oidc/adapter/artifact-payload.ts';
import type { DeviceRecord } from '../storage/storage-devices.ts';
import { columns, formatTime } from './columns.ts';
import { type CliContext, contextOf } from './context.ts';
import { CommandFailure } from './exit.ts';
import { inPages } from './in-pages.ts';
import { openUsers } from './open-users.ts';
import { openRevocations } from './revocations.ts';
import { requireTenant } from './tenant-directory.ts';
import { type StoreParts, withStore } from './with-store.ts';

export const addDevice = (program: Command): void => {
  const device = program.command('device').description('approved devices (device flow)');
  device
    .command('list <tenant>')
    .description('the devices of all people of a tenant, or of one person')
    .option('--user <login>', 'of this person: user name, e-mail address or sub')
    .action((tenant: string, { user }: { readonly user?: string }, command: Command) =>
      list(contextOf(command), { tenant, ...definedOnly({ user }) }),
    );
  device
    .command('rename <tenant> <id> <name>')
    .description('call a device by another name')
    .action((tenant: string, id: string, name: string, _: unknown, command: Command) =>
      rename(contextOf(command), { tenant, id, name }),
    );
  device
    .command('revoke <tenant> <id>')
    .description("sign one device out; the person's sessions and other devices go on")
    .action((tenant: string, id: string, _: unknown, command: Command) =>
      revoke(contextOf(command), { tenant, id }),
    );
};

interface OwnedDevice {
  readonly device: Device;
  readonly username: string;
}

const list = (
  context: CliContext,
  { tenant, user }: { readonly tenant: string; readonly user?: string },
): Promise<void> =>
  withDevices(context, tenant, async (devices, parts) => {
    const sub = user === undefined ? undefined : await subOf(parts, { tenant, user });
    const found: OwnedDevice[] = [];
    const names = new Map<string, string | undefined>();
    const { accounts } = parts.storage.forTenant(tenant);
    for await (const device of eachDevice(devices, sub)) {
      if (!names.has(device.sub)) names.set(device.sub, (await accounts.findBySub(device.sub))?.username);
      const username = names.get(device.sub);
      // a person who no longer exists has no devices
      if (username !== undefined) found.push({ device, username });
    }
    context.printResult(
      found.map(({ device, username }) => ({ ...device, username })),
      () => (found.length === 0 ? [`There are no devices in ${tenant}.`] : tableOf(found)),
    );
  });

const tableOf = (found: readonly OwnedDevice[]): readonly string[] =>
  columns([
    ['ID', 'USER', 'NAME', 'MODEL', 'SERIAL', 'APP', 'STATUS', 'SINCE', 'LAST SEEN'],
    ...found.map(({ device, username }) => [
      device.id,
      username,
      device.name ?? '-',
      device.model ?? '-',
      device.serial ?? '-',
      device.clientId,
      device.isSignedIn ? 'signed in' : 'signed out',
      formatTime(device.createdAt),
      formatTime(device.lastSeenAt),
    ]),
  ]);

const rename = (
  context: CliContext,
  { tenant, id, name }: { readonly tenant: string; readonly id: string; readonly name: string },
): Promise<void> =>
  withDevices(context, tenant, async (devices) => {
    const outcome = await devices.rename(id, name, { actor: 'cli' });
    if (outcome === 'absent') throw new CommandFailure(noDevice(tenant, id));
    if (outcome === 'invalid')
      throw new CommandFailure('A name is plain text of 1 to 100 characters. Nothing was changed.');
    context.printResult(outcome, () => [`The device ${id} is called ${outcome.name} now.`]);
  });

const revoke = (
  context: CliContext,
  { tenant, id }: { readonly tenant: string; readonly id: string },
): Promise<void> =>
  withDevices(context, tenant, async (devices) => {
    const revoked = await devices.revoke(id, { actor: 'cli' });
    if (revoked === undefined) throw new CommandFailure(noDevice(tenant, id));
    context.printResult(revoked, () => [`${describe(revoked)} was signed out. It can be approved again.`]);
  });

const describe = ({ id, name }: DeviceRecord): string =>
  name === undefined ? `The device ${id}` : `The device ${name} (${id})`;

const noDevice = (tenant: string, id: string): string =>
  `There is no device ${id} in ${tenant}. \`drawbridge device list ${tenant}\` shows all.`;

const subOf = async (
  parts: StoreParts,
  { tenant, user }: { readonly tenant: string; readonly user: string },
): Promise<string> => {
  const account = await openUsers(parts, tenant).find(user);
  if (account !== undefined) return account.sub;
  throw new CommandFailure(
    `No account of ${tenant} has the name, e-mail address or sub ${user}. \`drawbridge user list ${tenant}\` shows all.`,
  );
};

const limit = 200;

const eachDevice = (devices: Devices, sub: string | undefined): AsyncIterable<Device> =>
  inPages(limit, (last?: Device) => devices.list({ limit, ...definedOnly({ sub, afterId: last?.id }) }));

const withDevices = (
  context: CliContext,
  tenant: string,
  use: (devices: Devices, parts: StoreParts) => Promise<void>,
): Promise<void> =>
  withStore(context, async (parts) => {
    requireTenant(parts.settings, tenant);
    const storage = parts.storage.forTenant(tenant);
    const devices = createDevices({
      storage,
      revocations: openRevocations(parts, tenant),
      authorizationsOf,
      audit: createAudit({ records: storage.audit, log: parts.log.child({ tenant }), clock: systemClock }),
      clock: systemClock,
    });
    await use(devices, parts);
  });
