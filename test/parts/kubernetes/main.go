// Command control-plane is what the tests need of Kubernetes: `etcd <folder> <client url> <peer url>` or `kube-apiserver <flags>`.
package main

import (
	"log"
	"net/url"
	"os"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	if len(os.Args) == 5 && os.Args[1] == "etcd" {
		etcd(os.Args[2], address(os.Args[3]), address(os.Args[4]))
	}
	if len(os.Args) < 2 || os.Args[1] != "kube-apiserver" {
		log.Fatal("usage: control-plane etcd <folder> <client url> <peer url> | kube-apiserver <flags>")
	}
	command := apiserver.NewAPIServerCommand()
	os.Args = os.Args[1:]
	os.Exit(cli.Run(command))
}

// etcd serves until it fails. Nothing of a test is worth a sync to the disk.
func etcd(folder string, client, peer url.URL) {
	config := embed.NewConfig()
	config.Dir = folder
	config.UnsafeNoFsync = true
	config.LogLevel = "error"
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	server, err := embed.StartEtcd(config)
	if err != nil {
		log.Fatal(err)
	}
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(time.Minute):
		log.Fatal("etcd was not ready after a minute")
	}
	log.Fatal(<-server.Err())
}

func address(text string) url.URL {
	parsed, err := url.Parse(text)
	if err != nil {
		log.Fatal(err)
	}
	return *parsed
}
