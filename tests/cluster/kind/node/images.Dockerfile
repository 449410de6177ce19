# The images of the control plane, each with the one program that the context has. kubeadm names the command of the last ones.
FROM scratch AS pause
COPY pause /pause
ENTRYPOINT ["/pause"]

FROM scratch AS coredns
COPY coredns /coredns
ENTRYPOINT ["/coredns"]

FROM scratch AS component
ARG PROGRAM
COPY ${PROGRAM} /usr/local/bin/${PROGRAM}
ENV PATH=/usr/local/bin
