// Command control-plane is what the tests need of Kubernetes: `etcd <folder> <client url> <peer url>`, the components
// `kube-apiserver`, `kube-controller-manager`, `kube-scheduler` and `kubelet` with their own flags, and
// `join <network> <address> <network> <address>`, which takes connections at the first and joins each to the second.
package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

var components = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
}

func main() {
	if len(os.Args) == 5 && os.Args[1] == "etcd" {
		etcd(os.Args[2], address(os.Args[3]), address(os.Args[4]))
	}
	if len(os.Args) == 6 && os.Args[1] == "join" {
		join(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	}
	if len(os.Args) < 2 || components[os.Args[1]] == nil {
		log.Fatal("usage: control-plane etcd <folder> <client url> <peer url> | join <from> <address> <to> <address> | <component> <flags>")
	}
	command := components[os.Args[1]]()
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

// join reaches from one network namespace into another: a unix socket is seen in both.
func join(from, at, to, other string) {
	listener, err := net.Listen(from, at)
	if err != nil {
		log.Fatal(err)
	}
	for {
		near, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer near.Close()
			far, err := net.Dial(to, other)
			if err != nil {
				return
			}
			defer far.Close()
			ended := make(chan struct{}, 2)
			for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
				go func() { io.Copy(pair[0], pair[1]); ended <- struct{}{} }()
			}
			<-ended
		}()
	}
}
