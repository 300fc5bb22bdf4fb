import { errors } from 'oidc-provider';
import { longestDeviceText, readDeviceText } from '../../accounts/devices.ts';

/** Parameters by which a device may describe itself (RFC 8628 section 3.1 allows further parameters). */
export const deviceParameters = ['device_name', 'device_model', 'device_serial'] as const;

export interface DeviceDescription {
  readonly name?: string;
  readonly model?: string;
  readonly serial?: string;
}

/**
 * The description of the device in the request; an empty field counts as absent.
 * @throws errors.InvalidRequest when one is too long or no plain text
 */
export const readDeviceDescription = (params: Readonly<Record<string, unknown>>): DeviceDescription =>
  Object.fromEntries(
    deviceParameters.flatMap((parameter) => {
      const value = params[parameter];
      if (value === undefined || (typeof value === 'string' && value.trim() === '')) return [];
      const text = readDeviceText(value);
      if (text === undefined)
        throw new errors.InvalidRequest(
          `'${parameter}' must be plain text of at most ${longestDeviceText} characters`,
        );
      return [[parameter.slice('device_'.length), text]];
    }),
  );

/** The same, from the stored device code. */
export const keptDescription = (info: Readonly<Record<string, unknown>> = {}): DeviceDescription =>
  Object.fromEntries(
    (['name', 'model', 'serial'] as const).flatMap((field) =>
      typeof info[field] === 'string' ? [[field, info[field]]] : [],
    ),
  );
