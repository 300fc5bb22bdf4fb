import { z } from 'zod';
import type { Device } from '../../accounts/devices.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { findClient } from '../../oidc/provider/clients.ts';
import { idSchema, timeSchema, toSeconds } from '../../web/api/api-schemas.ts';
import { nameSchema } from './api-schemas.ts';
import { type ApiPerson, type ApiTenant, defineOperation } from './operation.ts';

const deviceSchema = z
  .object({
    id: idSchema,
    name: z.string().optional(),
    model: z.string().optional(),
    serial: z.string().optional(),
    client_id: z.string(),
    client_name: z.string().optional(),
    created_at: timeSchema,
    last_seen_at: timeSchema,
    signed_in: z.boolean(),
    current: z.boolean().meta({ description: 'Is it the device of the presented access token?' }),
  })
  .meta({ id: 'Device' });

const pageSize = 100;
const ofOneDevice = { path: z.object({ id: idSchema }) };
const noDevice = (): AppError => new AppError('not_found', 'There is no such device');

export const listOwnDevices = defineOperation({
  id: 'listOwnDevices',
  method: 'GET',
  path: '/devices',
  summary: 'Devices that the person has connected',
  acceptsKeys: 'people',
  parameters: {
    query: z.object({ after: idSchema.optional().meta({ description: '`next` of the page before.' }) }),
  },
  answer: {
    description: 'Up to 100 devices. With `next`, there may be more.',
    schema: z.object({ devices: z.array(deviceSchema), next: idSchema.optional() }),
  },
  handle: async ({ tenant, person, query }) => {
    const found = await tenant.devices.list({
      sub: person.sub,
      limit: pageSize,
      ...definedOnly({ afterId: query.after }),
    });
    const next = found.length === pageSize ? found.at(-1)?.id : undefined;
    return {
      devices: found.map((device) => toPublicDevice(device, tenant, person)),
      ...definedOnly({ next }),
    };
  },
});

export const renameOwnDevice = defineOperation({
  id: 'renameOwnDevice',
  method: 'PATCH',
  path: '/devices/{id}',
  summary: 'Name a device',
  parameters: ofOneDevice,
  body: z.strictObject({ name: nameSchema }),
  answer: { description: 'The device with its new name.', schema: deviceSchema },
  handle: async ({ tenant, person, path, body }) => {
    const renamed = await tenant.devices.rename(path.id, body.name, { ...person.by, owner: person.sub });
    if (renamed === 'absent') throw noDevice();
    if (renamed === 'invalid')
      throw new AppError('invalid_request', 'A name is plain text of 1 to 100 characters');
    return toPublicDevice(renamed, tenant, person);
  },
});

export const signOutOwnDevice = defineOperation({
  id: 'signOutOwnDevice',
  method: 'DELETE',
  path: '/devices/{id}',
  summary: 'Sign a device out',
  parameters: ofOneDevice,
  answer: { description: 'Its tokens are no longer valid.' },
  handle: async ({ tenant, person, path }) => {
    if ((await tenant.devices.revoke(path.id, { ...person.by, owner: person.sub })) === undefined)
      throw noDevice();
    return undefined;
  },
});

export const toPublicDevice = (
  device: Device,
  { definition }: Pick<ApiTenant, 'definition'>,
  { revocationIds }: Pick<ApiPerson, 'revocationIds'>,
): z.input<typeof deviceSchema> => ({
  id: device.id,
  ...definedOnly({ name: device.name, model: device.model, serial: device.serial }),
  client_id: device.clientId,
  ...definedOnly({ client_name: findClient(definition, device.clientId)?.metadata.client_name }),
  created_at: toSeconds(device.createdAt),
  last_seen_at: toSeconds(device.lastSeenAt),
  signed_in: device.isSignedIn,
  current: revocationIds.includes(device.grantId),
});
