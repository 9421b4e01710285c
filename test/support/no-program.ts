/** For plans of workspaces whose layers ask for none of Coracle's own programs. */
import type { DeviceProgram } from '../../cli/engines/engine.ts';

export const noProgram: DeviceProgram = (name) => {
  throw new Error(`nobody asked for ${name}`);
};
