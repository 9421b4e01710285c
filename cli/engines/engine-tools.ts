/**
 * What an engine can do with a workspace besides building it: the verbs that tell of a workspace (`configure`, `source`, `legal-info`,
 * `sbom`, `graph`, `br`) are made of these, and do not know which engine it is.
 */
import type { Stage, StageContext } from '../stages/stage.ts';

export interface EngineTools {
  /** Holds what layers ask for against what there is, without building anything; gives where the final configuration is. */
  readonly configure: EngineTool<ConfiguredFacts>;
  /** Brings and checks whatever the engine's stages would fetch: after it, they need no network. */
  readonly fetch: EngineTool<FetchedSources>;
  /** What the last build made the image of; before the first one, what the configuration asks for. By name. */
  readonly packages: EngineTool<readonly PackageFacts[]>;
  /** Writes the licences of the packages into a directory of {@link StageContext.output}. */
  readonly legalInfo: EngineTool<void>;
  /** What each package took to build; an engine that compiles nothing has none. */
  readonly buildTimes?: EngineTool<readonly PackageTimes[]>;
  /** Passes targets through to the engine's own make, if it has one; gives make's exit code. */
  readonly make?: (request: MakeRequest) => EngineTool<number>;
}

/** Runs under the workspace's lock. */
export interface EngineTool<T> {
  /** Stages whose results it reads. */
  readonly needs: readonly Stage[];
  readonly run: (context: StageContext) => Promise<T>;
}

export interface ConfiguredFacts {
  /** What was configured: `Buildroot 2026.02.3`, `linux 6.1.176`. */
  readonly what: string;
  /** Assignments of layers that count. */
  readonly asked: number;
  /** The final configuration, where there is one as a file. */
  readonly file?: string;
}

export interface FetchedSources {
  readonly files: number;
  readonly bytes: number;
  /** Where they are on this machine. */
  readonly directory: string;
}

export interface PackageFacts {
  /** Unique in the list: `busybox`, `host-m4`. */
  readonly name: string;
  /** `tool`: it runs on the machine that builds, and is not in the image. */
  readonly kind: 'target' | 'kernel' | 'tool';
  /** Empty if it has none. */
  readonly version: string;
  /** As the package says it, one licence an item: `GPL-2.0+`, `MIT or BSD-2-Clause`. Empty if it does not say. */
  readonly licences: readonly string[];
  /** Why it may not simply be passed on, if so: `its licence is PROPRIETARY`. */
  readonly restriction?: string;
  /** CPE 2.3. */
  readonly cpe?: string;
  /** Package URL (https://github.com/package-url/purl-spec). */
  readonly purl: string;
  /** The layer that it is there for. */
  readonly layer?: string;
  /** Whether that layer names it, or something that needs it. */
  readonly isAsked: boolean;
  /** Names in the same list. */
  readonly dependencies: readonly string[];
  readonly sources: readonly PackageSource[];
  readonly patches: readonly PackagePatch[];
}

export interface PackageSource {
  readonly url: string;
  /** Lower-case hex; undefined if nobody wrote it down. */
  readonly sha256?: string;
}

export interface PackagePatch {
  /** `package/busybox/0001-….patch` of the tree, or the layer's name and the path in it. */
  readonly path: string;
  readonly layer?: string;
}

export interface PackageTimes {
  readonly name: string;
  /** Seconds by the clock: step (`configure`, `build`) → seconds. */
  readonly steps: ReadonlyMap<string, number>;
}

export interface MakeRequest {
  readonly targets: readonly string[];
  /** `NAME=value`, for the command line. */
  readonly variables: readonly string[];
  /** Whatever make writes, as it comes. */
  readonly onOutput: (data: Buffer, stream: 'stdout' | 'stderr') => void;
}
