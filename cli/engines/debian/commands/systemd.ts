/** systemctl and its Debian helpers, as far as they change which units start. */
import { disableUnit, enableUnit, maskUnit, presetOf, unmaskUnit } from '../effects/units.ts';
import { isKnown, UNKNOWN } from '../shell/unknown.ts';
import { act, DONE, FAILED, type Model, type Models, problem, readArguments, UNSURE } from './model.ts';

const VALUED = ['root', 'type', 't', 'p', 'property', 'job-mode', 'M', 'H'];

const systemctl: Model = (call, { root, origin }) => {
  const args = readArguments(call.argv.slice(1), VALUED);
  const [verb = '', ...units] = args.operands;
  switch (verb) {
    case 'enable':
    case 'reenable':
      return act(call, units, () => {
        for (const unit of units) enableUnit(root.tree, unit, origin);
      });
    case 'preset':
      return act(call, units, () => {
        for (const unit of units) if (presetOf(root.tree, unit)) enableUnit(root.tree, unit, origin);
      });
    case 'disable':
      return act(call, units, () => {
        for (const unit of units) disableUnit(root.tree, unit);
      });
    case 'mask':
      return act(call, units, () => {
        for (const unit of units) maskUnit(root.tree, unit, origin);
      });
    case 'unmask':
      return act(call, units, () => {
        for (const unit of units) unmaskUnit(root.tree, unit);
      });
    case 'is-active':
    case 'is-failed':
    case 'is-system-running':
      return FAILED;
    case 'is-enabled':
    case 'show':
    case 'cat':
    case 'list-units':
    case 'list-unit-files':
      return { ...UNSURE, output: UNKNOWN };
    default:
      return DONE;
  }
};

/** Its state files are empty on a fresh installation: nothing was installed or masked by it, everything counts as enabled. */
const helper: Model = (call, { root, origin }) => {
  const { operands, options } = readArguments(call.argv.slice(1));
  const [verb = '', ...units] = operands;
  if (options.has('user')) {
    return verb === 'enable'
      ? act(call, units, () => {
          for (const unit of units) enableUnit(root.tree, unit, origin, 'user');
        })
      : verb === 'debian-installed'
        ? FAILED
        : DONE;
  }
  switch (verb) {
    case 'enable':
      return act(call, units, () => {
        for (const unit of units) if (presetOf(root.tree, unit)) enableUnit(root.tree, unit, origin);
      });
    case 'was-enabled':
      return DONE;
    case 'debian-installed':
      return FAILED;
    case 'disable':
      return act(call, units, () => {
        for (const unit of units) disableUnit(root.tree, unit);
      });
    case 'mask':
      return act(call, units, () => {
        for (const unit of units) maskUnit(root.tree, unit, origin);
      });
    default:
      return DONE;
  }
};

/** Start links matter only for services that have no unit of their own. */
const updateRcD: Model = (call, { root, origin }) => {
  const { operands } = readArguments(call.argv.slice(1));
  const [name = '', verb] = operands;
  if (!isKnown(name)) return problem('the service is not known before it runs');
  const unit = `${name.replace(/\.sh$/, '')}.service`;
  const units = [`/lib/systemd/system/${unit}`, `/etc/systemd/system/${unit}`];
  const isNative = units.some((unit) => root.entry(unit) !== undefined);
  if (isNative || !/^(?:defaults|enable)$/.test(verb ?? '') || root.entry(`/etc/init.d/${name}`) === undefined)
    return DONE;
  const levels =
    /^# Default-Start:(.*)$/m
      .exec(root.readFile(`/etc/init.d/${name}`) ?? '')?.[1]
      ?.trim()
      .split(/\s+/) ?? [];
  return act(call, [name], () => {
    for (const level of levels.filter((one) => /^[0-6S]$/.test(one))) {
      root.tree.addLink(`/etc/rc${level}.d/S01${name}`, `../init.d/${name}`, { origin });
    }
  });
};

/** Empty: systemd makes an id on the first boot and keeps it if /etc can be written, without a first-boot preset run. */
const machineId: Model = (call, { root, origin }) => {
  if (root.entry('/etc/machine-id') !== undefined) return DONE;
  return act(call, [], () => {
    root.tree.addFile('/etc/machine-id', '', { origin, mode: 0o444 });
  });
};

const dbusId: Model = (call, { root, origin }) => {
  if (root.entry('/var/lib/dbus/machine-id') !== undefined) return DONE;
  return act(call, [], () => {
    root.tree.addLink('/var/lib/dbus/machine-id', '/etc/machine-id', { origin });
  });
};

export const SYSTEMD: Models = {
  systemctl,
  'deb-systemd-helper': helper,
  'update-rc.d': updateRcD,
  'systemd-machine-id-setup': machineId,
  'dbus-uuidgen': dbusId,
};
