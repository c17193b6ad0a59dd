// The page's client fetches the code that opens the microphone from Daily's servers, which a test must not need. It takes
// other code as its option `mediaManager`: this, which does no more than the browser itself offers. An option that
// nobody gave is looked up in the prototype of all objects.
Object.defineProperty(Object.prototype, "mediaManager", {
  writable: true,
  configurable: true,
  value: {
    supportsScreenShare: false,
    isCamEnabled: false,
    isMicEnabled: true,
    isSharingScreen: false,
    selectedMic: {},
    selectedCam: {},
    selectedSpeaker: {},
    setClientOptions(options) {
      this.callbacks = options.callbacks ?? {};
    },
    async initialize() {},
    async connect() {
      // Not before: from here on the microphone plays its file.
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      this.track = stream.getAudioTracks()[0];
      this.callbacks.onTrackStarted?.(this.track, { id: "local", name: "", local: true });
    },
    async disconnect() {
      this.track?.stop();
      this.track = undefined;
    },
    tracks() {
      return { local: { audio: this.track } };
    },
    async getAllMics() {
      const devices = await navigator.mediaDevices.enumerateDevices();
      return devices.filter((device) => device.kind === "audioinput");
    },
    async getAllCams() {
      return [];
    },
    async getAllSpeakers() {
      return [];
    },
    async updateMic() {},
    async updateCam() {},
    async updateSpeaker() {},
    enableMic() {},
    enableCam() {},
    async enableScreenShare() {},
  },
});
